#pragma once
// detection, snapshot: what a replay of the ledger has built so far, as bytes, so that a start goes
// on from there (docs/restart.md). This room only.
//
// Every struct is taken apart whole: one that gets a new member no longer compiles here until that
// member is kept too. Changing what is kept, or what a member means, changes kForm.

#include <concepts>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>
#include <type_traits>

#include "detection/state.h"

namespace amanat::detection {

inline constexpr std::string_view kForm = "amanat-detection/3";

template <class T, class U>
concept Is = std::same_as<std::remove_const_t<T>, U>;

/// Writing appends values to `out`: numbers little-endian, runs with a u32 count before them.
class Writing {
 public:
  static constexpr bool kReads = false;
  explicit Writing(std::string& out) : out_(out) {}
  void raw(const void* data, std::size_t size) {
    out_.append(static_cast<const char*>(data), size);
  }

 private:
  std::string& out_;
};

/// Taking takes them back; once something is missing everything is zero and failed() says so.
class Taking {
 public:
  static constexpr bool kReads = true;
  explicit Taking(std::string_view bytes) : left_(bytes) {}
  void raw(void* data, std::size_t size) {
    if (left_.size() < size) {
      failed_ = true;
      left_ = {};
      std::memset(data, 0, size);
      return;
    }
    std::memcpy(data, left_.data(), size);
    left_.remove_prefix(size);
  }
  std::size_t left() const { return left_.size(); }
  bool failed() const { return failed_; }

 private:
  std::string_view left_;
  bool failed_ = false;
};

/// Rest reaches the private members of what it keeps.
struct Rest;

}  // namespace amanat::detection
