#pragma once
// server, complaints: what citizens said is not right with a look at their record, and the answers.
// Kept sealed under the house key, by the citizen's keyed name; who complained is told to nobody.
// Thread-safe; one writer at a time is the caller's business.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/ids.h"
#include "model/result.h"
#include "storage/storage.h"
#include "vault/vault.h"

namespace amanat::server {

inline constexpr std::uint64_t kComplaintDays = 30;  // an answer is due
inline constexpr std::size_t kComplaintsOfOneMax = 20, kComplaintBytesMax = 500;

struct Complaint {
  std::string id;  // 16 hex digits
  Tag citizen{};
  EntryIndex entry{};  // the look it is about
  Moment made{}, due{};
  std::string text;
  std::optional<Moment> answered;
  bool upheld = false;
  std::string answer, answered_by;
};

class Complaints {
 public:
  Complaints(storage::Store& store, const vault::Vault& vault) : store_(store), vault_(vault) {}

  /// draft checks a complaint and gives it its id; nothing is kept yet. Errors: malformed_value
  /// (empty or too long), waiting_full (20 of this citizen wait for an answer), store_failed.
  Result<Complaint> draft(const Tag& citizen, EntryIndex entry, std::string_view text,
                          Moment at) const;
  /// keep makes it durable. Errors: store_failed.
  Result<void> keep(const Complaint& one);
  /// find gives one. Errors: no_record, store_failed, seal_broken.
  Result<Complaint> find(std::string_view id) const;
  /// of lists a citizen's, newest first; open those without an answer, oldest first.
  Result<std::vector<Complaint>> of(const Tag& citizen) const;
  Result<std::vector<Complaint>> open() const;
  /// forget removes a citizen's. Errors: store_failed, seal_broken.
  Result<void> forget(const Tag& citizen);

 private:
  Result<std::vector<Complaint>> all() const;
  storage::Store& store_;
  const vault::Vault& vault_;
};

/// encode and decode_complaint: how one rests before it is sealed. decode refuses every other form.
std::string encode(const Complaint& one);
std::optional<Complaint> decode_complaint(std::string_view bytes);

}  // namespace amanat::server
