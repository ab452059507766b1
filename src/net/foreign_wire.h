#pragma once
// net, replies of foreign applications, inside the room only: read as forgivingly as browsers do
// (any reason phrase, line feeds alone, chunk extensions), since the point is to see what they say.
// One reader a reply; not thread-safe.

#include <cstdint>
#include <string>
#include <string_view>

#include "net/foreign.h"

namespace amanat::net {

class ForeignReader {
 public:
  enum class State : std::uint8_t { more, complete, wrong };
  ForeignReader(std::string_view method, const ForeignOptions& limits)
      : to_head_(method == "HEAD"),
        head_max_(limits.head_bytes_max),
        body_max_(limits.body_bytes_max) {}
  /// feed takes what came; `wrong` and `complete` end it.
  State feed(std::string_view bytes);
  /// end says that the connection ended.
  State end();
  /// kept says whether the connection may carry another request.
  bool kept() const { return at_ == At::done && keep_ && !reply_.cut && rest_.empty(); }
  bool begun() const { return begun_; }
  ForeignReply take() { return std::move(reply_); }
  ~ForeignReader();

 private:
  enum class At : std::uint8_t {
    head,
    counted,
    chunk_size,
    chunk_data,
    chunk_end,
    trailer,
    to_end,
    done
  };
  State head();
  State body();
  State frame();
  bool keep(std::string_view bytes);  // false: the limit is reached
  bool line(std::string_view& out);   // the next line of rest_, if it is there

  bool to_head_;
  std::size_t head_max_, body_max_;
  At at_ = At::head;
  std::uint64_t left_ = 0;
  bool keep_ = true, begun_ = false;
  std::string rest_;
  ForeignReply reply_;
};

}  // namespace amanat::net
