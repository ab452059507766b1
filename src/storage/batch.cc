#include "model/insist.h"
#include "storage/storage.h"

namespace amanat::storage {
namespace {

constexpr std::size_t kKeyMax = 1024, kValueMax = std::size_t{64} << 20;

}  // namespace

void Batch::put(Table table, std::string_view key, std::string_view value) {
  insist(static_cast<std::size_t>(table) < kTables);
  insist(!key.empty() && key.size() <= kKeyMax && value.size() <= kValueMax);
  places_.push_back(Place{text_.size(), static_cast<std::uint32_t>(value.size()),
                          static_cast<std::uint16_t>(key.size()), table, false});
  text_.append(key).append(value);
}

void Batch::erase(Table table, std::string_view key) {
  insist(static_cast<std::size_t>(table) < kTables);
  insist(!key.empty() && key.size() <= kKeyMax);
  places_.push_back(Place{text_.size(), 0, static_cast<std::uint16_t>(key.size()), table, true});
  text_.append(key);
}

void Batch::clear() {
  places_.clear();
  text_.clear();
}

Batch::Write Batch::operator[](std::size_t i) const {
  insist(i < places_.size());
  const Place& p = places_[i];
  const std::string_view text(text_);
  return {p.table, p.erase, text.substr(p.offset, p.key_size),
          text.substr(p.offset + p.key_size, p.value_size)};
}

}  // namespace amanat::storage
