#pragma once
// server, a page: what stands around a document of the console on the wire, and for whom it is
// drawn. Pure functions.

#include <optional>
#include <string>

#include "console/dates.h"
#include "console/pages.h"
#include "model/request.h"
#include "model/result.h"
#include "net/form.h"
#include "policy/policy.h"
#include "registry/catalog.h"

namespace amanat::server {

/// Labels says what people call the catalog's fields and datasets, in the reader's language.
class Labels {
 public:
  Labels(const registry::Catalog& catalog, console::Language language)
      : catalog_(catalog), urdu_(language == console::Language::urdu) {}
  /// field is a field's label by its id; an id that the catalog does not know stays as it is.
  std::string field(std::string_view id) const;
  std::vector<std::string> fields(const std::vector<std::string>& ids) const;
  std::string dataset(std::string_view name) const;
  std::string department(std::string_view id) const;
  std::string purpose(const std::vector<policy::LawfulPurpose>& purposes,
                      std::string_view id) const;

 private:
  const registry::Catalog& catalog_;
  bool urdu_;
};

/// wants_page says whether a request comes from somebody who reads pages: a browser's navigation.
bool wants_page(const Request& request);
/// reader_of is whom to draw for; `account` is empty for strangers.
console::Reader reader_of(const Request& request, std::string account);
/// page is a document with the headers every page has: nothing inline, in nobody's frame, in no
/// cache.
Response page(std::string document, unsigned status = 200);
/// see_other sends a browser to another page of ours.
Response see_other(const console::Address& address);
/// form_of reads a page's form. Errors: wrong_media_type, body_too_large, malformed_value.
Result<net::Form> form_of(const Request& request);
/// text_of is the value of a form's only field of that name, or empty.
std::string text_of(const net::Form& form, std::string_view name);
/// number_in is a text of digits alone as a number.
std::optional<std::uint64_t> number_in(std::string_view text);
/// as_json is the same request as if it had come to the API.
Request as_json(const Request& request, std::string body);
/// SignedForm says how a signed form becomes the API's document: {"<as>": the form's field,
/// "<member>": what the browser signed}.
struct SignedForm {
  std::string_view field, as, member;
};
/// signed_body makes it. Errors: malformed_value, malformed_json.
Result<std::string> signed_body(const net::Form& form, const SignedForm& what);
/// refused_page is a failure as a page; whoever is not signed in is sent to do so.
Response refused_page(const Failure& failure, const Request& request, std::string account);

}  // namespace amanat::server
