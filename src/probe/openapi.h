#pragma once
// probe, openapi: what a description says can be asked (OpenAPI 3.0 and 3.1). Written by others, so
// bounded in size, depth and count; references are followed inside the document alone.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/result.h"
#include "net/json.h"

namespace amanat::probe {

struct Parameter {
  enum class In : std::uint8_t { path, query, header, cookie };
  std::string name;
  In in = In::query;
  bool required = false;
  std::string sample;  // from the description, or invented by its type
  bool integer = false;
  std::optional<std::uint64_t> maximum;
};

struct Operation {
  std::string method, path;  // GET, /v1/citizens/{id}
  bool is_public = false;    // described as such: security: [] or an empty requirement
  std::vector<Parameter> parameters;
  std::string media, body;            // of the request; empty: none
  const net::Json* answer = nullptr;  // schema of a 2xx JSON answer, or null
  bool writes() const { return method != "GET" && method != "HEAD" && method != "OPTIONS"; }
  std::string name() const { return method + " " + path; }
};

class Description {
 public:
  /// read takes JSON or YAML. Errors: malformed_json, malformed_yaml, body_too_large,
  /// description_wrong.
  static Result<Description> read(std::string_view text);
  const std::string& title() const { return title_; }
  const std::vector<Operation>& operations() const { return operations_; }
  /// url_keys are names of API keys that the description puts into the query.
  const std::vector<std::string>& url_keys() const { return url_keys_; }
  const std::vector<std::string>& notes() const { return notes_; }
  /// resolve follows $ref inside the document; null if it leads out, nowhere or in a circle.
  const net::Json* resolve(const net::Json* node) const;
  /// describes says whether a path is that of an operation, its parameters filled in any way.
  bool describes(std::string_view path) const;
  /// sample writes a value that fits a schema, as JSON.
  void append_sample(std::string& out, const net::Json* schema, unsigned depth) const;

 private:
  friend class DescriptionReader;
  std::unique_ptr<net::Json> document_;
  std::string title_;
  std::vector<Operation> operations_;
  std::vector<std::string> url_keys_, notes_;
};

}  // namespace amanat::probe
