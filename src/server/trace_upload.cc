#include "server/trace_upload.h"

#include "model/secret.h"
#include "net/multipart.h"
#include "server/exchange.h"
#include "server/page.h"
#include "server/problem.h"
#include "server/sealed_file.h"
#include "server/traces.h"

namespace amanat::server {
namespace {

constexpr std::size_t kTextMax = 200;

class TraceUpload : public net::Upload, public net::MultipartTaker {
 public:
  TraceUpload(Exchange& exchange, const Request& head) : exchange_(exchange), head_(head) {
    auto caller = exchange.identity().signed_in(head);
    if (!caller) {
      refused_ = caller.error();
      return;
    }
    account_ = caller->asker().id;
    if (!exchange.policy().may(caller->asker(), "audit")) {
      refused_ = Failure{Reason::not_your_right, "audit"};
      return;
    }
    auto boundary = net::Multipart::boundary_of(head.header("content-type"));
    if (!boundary)
      refused_ = boundary.error();
    else
      form_ = std::make_unique<net::Multipart>(*boundary, *this);
  }
  ~TraceUpload() override {
    wipe(held_.data(), held_.size());
    if (id_.empty() || handed_on_) return;
    // What did not arrive whole is nothing to trace.
    (void)exchange_.traces().cancel(id_);
  }

  std::optional<Response> take(std::string_view bytes) override {
    if (!refused_)
      if (auto taken = form_->take(bytes); !taken) refused_ = taken.error();
    if (!refused_) return std::nullopt;
    return wants_page(head_) ? refused_page(*refused_, head_, account_) : refusal(*refused_, head_);
  }

  std::string end() override {
    if (refused_ || !form_ || !form_->complete() || id_.empty() || held_.empty()) return {};
    if (auto last = exchange_.traces().append_last(id_, sent_, held_); !last) return {};
    handed_on_ = true;
    return id_;
  }

 private:
  Result<void> begin_part(const net::PartHead& part) override {
    if (!id_.empty()) return fail(Reason::malformed_value, "the form: the file comes last");
    text_ = nullptr;
    if (part.name == "file" && part.is_file) {
      begin_.name = part.file_name;
      auto id = exchange_.traces().begin(begin_);
      if (!id) return std::unexpected(id.error());
      id_ = *std::move(id);
      return {};
    }
    if (!part.is_file && part.name == "brought-by") text_ = &begin_.brought_by;
    if (!part.is_file && part.name == "leak-day") text_ = &begin_.leak_day;
    if (text_ == nullptr) return fail(Reason::malformed_value, "the form: an unknown field");
    return {};
  }
  Result<void> part_bytes(std::string_view bytes) override {
    if (text_ != nullptr) {
      if (text_->size() + bytes.size() > kTextMax) return fail(Reason::malformed_value, "a field");
      text_->append(bytes);
      return {};
    }
    // A whole part is kept back until more comes: the last one ends the file.
    while (!bytes.empty()) {
      if (held_.size() == kSealedPiece) {
        auto have = exchange_.traces().append(id_, sent_, held_);
        if (!have) return std::unexpected(have.error());
        sent_ = *have;
        wipe(held_.data(), held_.size());
        held_.clear();
      }
      if (held_.capacity() < kSealedPiece) held_.reserve(kSealedPiece);
      const std::string_view some = bytes.substr(0, kSealedPiece - held_.size());
      held_.append(some);
      bytes.remove_prefix(some.size());
    }
    return {};
  }
  Result<void> end_part() override { return {}; }

  Exchange& exchange_;
  const Request head_;
  std::string account_, id_, held_;
  std::optional<Failure> refused_;
  std::unique_ptr<net::Multipart> form_;
  Traces::Begin begin_;
  std::string* text_ = nullptr;
  std::uint64_t sent_ = 0;
  bool handed_on_ = false;
};

}  // namespace

std::unique_ptr<net::Upload> begin_trace_upload(Exchange& exchange, const Request& head) {
  return std::make_unique<TraceUpload>(exchange, head);
}

}  // namespace amanat::server
