#include "trace/bytes.h"

#include <algorithm>
#include <optional>

namespace amanat::trace {
namespace {

class RangeStream : public ByteStream {
 public:
  RangeStream(const net::ReadAt& read, std::uint64_t size) : read_(read), size_(size) {}
  Result<bool> next(std::string& out) override {
    out.clear();
    const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(kPieceBytes, size_ - at_));
    if (want == 0) return false;
    if (auto r = read_(at_, want, out); !r) return std::unexpected(r.error());
    at_ += out.size();
    return !out.empty();
  }

 private:
  const net::ReadAt& read_;
  const std::uint64_t size_;
  std::uint64_t at_ = 0;
};

/// UnpackingStream gives what came out before a failure first, and the failure next time.
class UnpackingStream : public ByteStream {
 protected:
  template <class Fill>
  Result<bool> in_order(std::string& out, Fill fill) {
    out.clear();
    if (failure_) return std::unexpected(*failure_);
    auto filled = fill();
    if (filled || out.empty()) return filled;
    failure_ = filled.error();
    return true;
  }

 private:
  std::optional<Failure> failure_;
};

class UnzipStream : public UnpackingStream {
 public:
  UnzipStream(net::ZipStream zip, Budget& budget) : zip_(std::move(zip)), budget_(budget) {}
  Result<bool> next(std::string& out) override {
    return in_order(out, [&] { return fill(out); });
  }

 private:
  Result<bool> fill(std::string& out) {
    while (out.size() < kPieceBytes) {
      const std::size_t before = out.size();
      auto more = zip_.next(kPieceBytes - before, out);
      if (!more) return more;
      if (!*more) break;
      given_ += out.size() - before;
      if (auto r = budget_.spend(out.size() - before); !r) return std::unexpected(r.error());
      if (auto r = budget_.ratio(zip_.taken(), given_); !r) return std::unexpected(r.error());
    }
    return !out.empty();
  }

  net::ZipStream zip_;
  Budget& budget_;
  std::uint64_t given_ = 0;
};

class GunzipStream : public UnpackingStream {
 public:
  GunzipStream(std::unique_ptr<ByteStream> packed, Budget& budget)
      : packed_(std::move(packed)), budget_(budget), inflater_(net::Wrapping::gzip) {}
  Result<bool> next(std::string& out) override {
    return in_order(out, [&] { return fill(out); });
  }

 private:
  Result<bool> fill(std::string& out) {
    while (out.size() < kPieceBytes && !over_) {
      if (rest_.empty()) {
        auto more = packed_->next(piece_);
        if (!more) return more;
        if (!*more) {
          over_ = true;
          if (!member_ended_) return fail(Reason::archive_broken, "a compressed stream cut off");
          break;
        }
        rest_ = piece_;
        taken_ += piece_.size();
      }
      const std::size_t before = out.size();
      auto ended = inflater_.inflate(rest_, kPieceBytes - before, out);
      if (!ended) {
        // Some bytes after the last member: what came before them is whole.
        if (!member_ended_) return ended;
        over_ = true;
        break;
      }
      member_ended_ = *ended;
      given_ += out.size() - before;
      if (auto r = budget_.spend(out.size() - before); !r) return std::unexpected(r.error());
      if (auto r = budget_.ratio(taken_ - rest_.size(), given_); !r)
        return std::unexpected(r.error());
    }
    return !out.empty();
  }

  std::unique_ptr<ByteStream> packed_;
  Budget& budget_;
  net::Inflater inflater_;
  std::string piece_;
  std::string_view rest_;
  std::uint64_t taken_ = 0, given_ = 0;
  bool member_ended_ = false, over_ = false;
};

class PartStream : public UnpackingStream {
 public:
  PartStream(net::Unpacking& unpacking, Budget& budget, std::uint64_t& given)
      : unpacking_(unpacking), budget_(budget), given_(given) {}
  Result<bool> next(std::string& out) override {
    return in_order(out, [&]() -> Result<bool> {
      auto more = unpacking_.next(out);
      if (!more || !*more) return more;
      given_ += out.size();
      if (auto r = budget_.spend(out.size()); !r) return std::unexpected(r.error());
      if (auto r = budget_.ratio(unpacking_.taken(), given_); !r) return std::unexpected(r.error());
      return true;
    });
  }

 private:
  net::Unpacking& unpacking_;
  Budget& budget_;
  std::uint64_t& given_;
};

class AfterStream : public ByteStream {
 public:
  AfterStream(std::string first, std::unique_ptr<ByteStream> rest)
      : first_(std::move(first)), rest_(std::move(rest)) {}
  Result<bool> next(std::string& out) override {
    if (first_.empty()) return rest_->next(out);
    out.swap(first_);
    first_.clear();
    return true;
  }

 private:
  std::string first_;
  std::unique_ptr<ByteStream> rest_;
};

class FailingStream : public ByteStream {
 public:
  explicit FailingStream(Failure failure) : failure_(std::move(failure)) {}
  Result<bool> next(std::string&) override { return std::unexpected(failure_); }

 private:
  const Failure failure_;
};

}  // namespace

Result<void> Budget::spend(std::uint64_t bytes) {
  spent_ += bytes;
  if (spent_ > limits_.unpacked_bytes_max)
    return fail(Reason::archive_broken, "more bytes unpacked than allowed");
  return {};
}

Result<void> Budget::ratio(std::uint64_t in, std::uint64_t out) const {
  if (out <= limits_.ratio_free_bytes) return {};
  if (out / limits_.ratio_max > in)
    return fail(Reason::archive_broken, "it unpacks to too many times its size");
  return {};
}

std::unique_ptr<ByteStream> stream_of_range(const net::ReadAt& read, std::uint64_t size) {
  return std::make_unique<RangeStream>(read, size);
}
std::unique_ptr<ByteStream> stream_of_zip(net::ZipStream zip, Budget& budget) {
  return std::make_unique<UnzipStream>(std::move(zip), budget);
}
std::unique_ptr<ByteStream> stream_of_gzip(std::unique_ptr<ByteStream> packed, Budget& budget) {
  return std::make_unique<GunzipStream>(std::move(packed), budget);
}
std::unique_ptr<ByteStream> stream_of_unpacking(net::Unpacking& unpacking, Budget& budget,
                                                std::uint64_t& given) {
  return std::make_unique<PartStream>(unpacking, budget, given);
}
std::unique_ptr<ByteStream> stream_failing(Failure failure) {
  return std::make_unique<FailingStream>(std::move(failure));
}
std::unique_ptr<ByteStream> stream_after(std::string first, std::unique_ptr<ByteStream> rest) {
  return std::make_unique<AfterStream>(std::move(first), std::move(rest));
}

}  // namespace amanat::trace
