#include "server/complaints.h"

#include <algorithm>
#include <cstring>

#include "crypto/crypto.h"

namespace amanat::server {
namespace {

constexpr std::string_view kUse = "complaints", kPrefix = "complaint/";
constexpr std::size_t kTextMax = 4096;

void put(std::string& out, std::uint64_t n) {
  for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<char>(n >> shift));
}
void put(std::string& out, std::string_view text) {
  put(out, std::uint64_t{text.size()});
  out += text;
}

bool take(std::string_view& bytes, std::uint64_t& n) {
  if (bytes.size() < 8) return false;
  n = 0;
  for (std::size_t i = 0; i < 8; ++i) n = n << 8 | static_cast<unsigned char>(bytes[i]);
  bytes.remove_prefix(8);
  return true;
}
bool take(std::string_view& bytes, std::string& text) {
  std::uint64_t n = 0;
  if (!take(bytes, n) || n > kTextMax || bytes.size() < n) return false;
  text = bytes.substr(0, n);
  bytes.remove_prefix(n);
  return true;
}

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

}  // namespace

std::string encode(const Complaint& one) {
  std::string out(1, '\1');
  put(out, one.id);
  out.append(reinterpret_cast<const char*>(one.citizen.data()), one.citizen.size());
  put(out, number(one.entry));
  put(out, number(one.made));
  put(out, number(one.due));
  put(out, one.answered ? number(*one.answered) : 0);
  put(out, std::uint64_t{one.upheld ? 1u : 0u});
  put(out, one.text);
  put(out, one.answer);
  put(out, one.answered_by);
  return out;
}

std::optional<Complaint> decode_complaint(std::string_view bytes) {
  Complaint one;
  if (!bytes.starts_with('\1')) return std::nullopt;
  bytes.remove_prefix(1);
  if (!take(bytes, one.id) || bytes.size() < one.citizen.size()) return std::nullopt;
  std::memcpy(one.citizen.data(), bytes.data(), one.citizen.size());
  bytes.remove_prefix(one.citizen.size());
  std::uint64_t entry = 0, made = 0, due = 0, answered = 0, upheld = 0;
  if (!take(bytes, entry) || !take(bytes, made) || !take(bytes, due) || !take(bytes, answered) ||
      !take(bytes, upheld) || upheld > 1 || !take(bytes, one.text) || !take(bytes, one.answer) ||
      !take(bytes, one.answered_by) || !bytes.empty())
    return std::nullopt;
  one.entry = EntryIndex{entry};
  one.made = Moment{made};
  one.due = Moment{due};
  if (answered != 0) one.answered = Moment{answered};
  one.upheld = upheld == 1;
  return one;
}

Result<Complaint> Complaints::draft(const Tag& citizen, EntryIndex entry, std::string_view text,
                                    Moment at) const {
  if (is_blank(text)) return fail(Reason::malformed_value, "what is not right");
  if (text.size() > 4 * kComplaintBytesMax)  // an Urdu letter takes two bytes, others up to four
    return fail(Reason::malformed_value, "at most 500 characters");
  auto there = of(citizen);
  if (!there) return std::unexpected(there.error());
  const auto waiting = std::count_if(there->begin(), there->end(),
                                     [](const Complaint& c) { return !c.answered.has_value(); });
  if (static_cast<std::size_t>(waiting) >= kComplaintsOfOneMax) return fail(Reason::waiting_full);
  Complaint one;
  std::array<std::uint8_t, 8> id{};
  crypto::random_bytes(id);
  one.id = crypto::hex(id);
  one.citizen = citizen;
  one.entry = entry;
  one.made = at;
  one.due = Moment{number(at) + kComplaintDays * 86'400'000};
  one.text = text;
  return one;
}

Result<void> Complaints::keep(const Complaint& one) {
  const std::string key = std::string(kPrefix) + one.id;
  std::string sealed;
  vault_.seal_house(kUse, key, encode(one), sealed);
  storage::Batch batch;
  batch.put(storage::Table::settings, key, sealed);
  return store_.write(batch, storage::Durability::synced);
}

Result<Complaint> Complaints::find(std::string_view id) const {
  auto complaints = all();
  if (!complaints) return std::unexpected(complaints.error());
  for (Complaint& one : *complaints)
    if (one.id == id) return std::move(one);
  return fail(Reason::no_record);
}

Result<std::vector<Complaint>> Complaints::all() const {
  std::vector<Complaint> out;
  Result<void> opened;
  auto scanned = store_.scan(storage::Table::settings, kPrefix, "",
                             [&](std::string_view key, std::string_view sealed) {
                               WipingBuffer plain;
                               opened = vault_.open_house(kUse, key, sealed, plain);
                               if (!opened) return false;
                               auto one = decode_complaint(plain.view());
                               if (!one) {
                                 opened = fail(Reason::seal_broken, "a complaint");
                                 return false;
                               }
                               out.push_back(*std::move(one));
                               return true;
                             });
  if (!scanned) return std::unexpected(scanned.error());
  if (!opened) return std::unexpected(opened.error());
  return out;
}

Result<std::vector<Complaint>> Complaints::of(const Tag& citizen) const {
  auto out = all();
  if (!out) return out;
  std::erase_if(*out, [&](const Complaint& c) { return c.citizen != citizen; });
  std::sort(out->begin(), out->end(),
            [](const Complaint& a, const Complaint& b) { return a.made > b.made; });
  return out;
}

Result<std::vector<Complaint>> Complaints::open() const {
  auto out = all();
  if (!out) return out;
  std::erase_if(*out, [](const Complaint& c) { return c.answered.has_value(); });
  std::sort(out->begin(), out->end(),
            [](const Complaint& a, const Complaint& b) { return a.made < b.made; });
  return out;
}

Result<void> Complaints::forget(const Tag& citizen) {
  auto there = of(citizen);
  if (!there) return std::unexpected(there.error());
  if (there->empty()) return {};
  storage::Batch batch;
  for (const Complaint& one : *there)
    batch.erase(storage::Table::settings, std::string(kPrefix) + one.id);
  return store_.write(batch, storage::Durability::synced);
}

}  // namespace amanat::server
