#include "registry/keep.h"

#include <algorithm>
#include <cstring>

#include "crypto/crypto.h"
#include "model/insist.h"
#include "registry/normalise.h"

namespace amanat::registry {
namespace {

constexpr std::size_t kBatchRecords = 10'000;
constexpr std::size_t kBatchBytes = 16 << 20;
constexpr std::size_t kOffersOfBatch = 64;
constexpr std::size_t kKnownMax = 50'000;  // young ones; as many old ones are kept beside them
constexpr char kSeparator = '\x1f';

SubjectKind kind_of(const Field& field, const Value& value) {
  return field.type == FieldType::msisdn || field.type == FieldType::phone ? SubjectKind::msisdn
                                                                           : value.kind;
}

void wipe_text(std::string& text) {
  wipe(text.data(), text.size());
  text.clear();
}

}  // namespace

std::size_t Keeper::TagHash::operator()(const Tag& t) const {
  std::size_t h = 0;  // a tag is a MAC: any eight bytes of it are a hash
  std::memcpy(&h, t.data(), sizeof h);
  return h;
}

std::size_t Keeper::KeyHash::operator()(const KeyBytes& k) const {
  std::size_t h = 0;  // the last bytes are of the record's tag
  std::memcpy(&h, k.data() + k.size() - sizeof h, sizeof h);
  return h;
}

Keeper::Keeper(Archive& archive, const Dataset& dataset, Moment taken_in)
    : archive_(archive),
      dataset_(dataset),
      taken_in_(taken_in),
      dataset_number_(archive.numbers.of(dataset.id)),
      lock_(archive.writing, std::defer_lock) {
  insist(dataset.keep && !dataset.tree && dataset.subject);
  others_.resize(dataset.fields.size());
}

Keeper::~Keeper() {
  for (auto* text :
       {&folded_, &digest_text_, &plaintext_, &link_plain_, &name_.value, &other_.value})
    wipe_text(*text);
}

void Keeper::begin() {
  if (lock_.owns_lock()) return;
  lock_.lock();
  // Somebody else wrote since: what we know of subjects may be wrong.
  if (archive_.generation != generation_) {
    known_.clear();
    known_before_.clear();
  }
  if (known_.size() > kKnownMax) {
    known_before_ = std::move(known_);
    known_.clear();
  }
  generation_ = archive_.generation;
  ++batch_number_;
}

bool Keeper::full() const {
  return pending_.size() >= kBatchRecords || batch_.bytes() >= kBatchBytes;
}

Result<Keeper::Known> Keeper::make_subject() {
  auto slot = archive_.vault.make_slot();
  if (!slot) return std::unexpected(slot.error());
  auto key = archive_.vault.key_of(*slot);
  if (!key) return std::unexpected(key.error());
  new_slots_ = true;
  return Known{*slot, *std::move(key), false, batch_number_};
}

Result<Keeper::Known*> Keeper::know(const SubjectName& name) {
  const Tag tag = archive_.vault.tag(name);
  if (const auto at = known_.find(tag); at != known_.end()) return &at->second;
  if (auto node = known_before_.extract(tag))
    return &known_.insert(std::move(node)).position->second;
  found_.clear();
  auto found = archive_.store.get(storage::Table::subjects, view(tag), found_);
  if (!found) return std::unexpected(found.error());
  if (*found) {
    auto row = decode_subject(found_);
    if (!row) return std::unexpected(row.error());
    // An erasure that was cut short is finished before its row is written over.
    for (const auto slot : row->also)
      if (auto ok = archive_.vault.destroy(slot); !ok) return std::unexpected(ok.error());
    auto key = archive_.vault.key_of(row->slot);
    if (key) {
      Known known{row->slot, *std::move(key), row->has_records, 0};
      return &known_.emplace(tag, std::move(known)).first->second;
    }
    // An erased subject who is sent again is a new subject.
    if (key.error().reason != Reason::erased) return std::unexpected(key.error());
  }
  auto made = make_subject();
  if (!made) return std::unexpected(made.error());
  Known* const known = &known_.emplace(tag, *std::move(made)).first->second;
  touched_.emplace_back(tag, known);
  return known;
}

/// fold_key writes the record's identity within its dataset.
void Keeper::fold_key(std::span<const Value> values) {
  folded_.clear();
  for (const auto k : dataset_.key) {
    append_folded(values[k].value, folded_);
    folded_.push_back(kSeparator);
  }
}

/// name_subject says whose record it is. A person without ID is named by the record itself, so
/// that the same row names the same person again; `twin` tells two alike in one row apart.
void Keeper::name_subject(std::span<const Value> values, std::size_t twin) {
  const Value& subject = values[*dataset_.subject];
  if (!subject.value.empty()) {
    name_.kind = kind_of(dataset_.fields[*dataset_.subject], subject);
    name_.value = subject.value;
    return;
  }
  insist(dataset_.unidentified);
  name_.kind = SubjectKind::unidentified;
  name_.value = dataset_.name;
  name_.value.push_back(kSeparator);
  name_.value += folded_;
  for (std::size_t f = 0; f < values.size(); ++f)
    if (dataset_.fields[f].split != '\0') {
      append_folded(values[f].value, name_.value);
      name_.value.push_back(kSeparator);
    }
  if (twin > 0) name_.value += std::to_string(twin);
}

Result<Kept> Keeper::keep(std::span<const Value> values, std::size_t twin) {
  insist(values.size() == dataset_.fields.size());
  begin();
  if (!dataset_.mirror) return put(values, twin);
  const Mirror& mirror = *dataset_.mirror;
  Kept outcome = Kept::repeated;
  swapped_.assign(values.begin(), values.end());
  for (std::size_t side = 0; side < 2; ++side) {
    if (side == 1) std::swap(swapped_[mirror.swap[0]], swapped_[mirror.swap[1]]);
    swapped_[mirror.side] = Value{mirror.values[side], {}, SubjectKind::national_id};
    auto kept = put(swapped_, twin);
    if (!kept) return kept;
    if (*kept == Kept::accepted) outcome = Kept::accepted;
  }
  return outcome;
}

/// find_current finds the record as it is now, in this batch or in the store. Views in `current`
/// live until the next record.
Result<bool> Keeper::find_current(const Known& subject, StoredRecord& current) {
  std::string_view stored;
  if (const auto at = pending_.find(key_bytes_); at != pending_.end()) {
    found_ = batch_[at->second].value;  // a copy: the batch may grow while it is looked at
    stored = found_;
  } else if (!subject.has_records || subject.made_in == batch_number_) {
    return false;  // a new subject, or one only named by others so far, has none elsewhere
  } else {
    found_.clear();
    auto found = archive_.store.get(storage::Table::records, key_, found_);
    if (!found || !*found) return found;
    stored = found_;
  }
  auto record = decode_record(stored);
  if (!record) return std::unexpected(record.error());
  current = *record;
  return true;
}

/// write_plaintext writes the record, links sealed under the keys of those they name.
void Keeper::write_plaintext(std::span<const Value> values, std::uint32_t version) {
  plaintext_.clear();
  RecordWriter writer(plaintext_);
  writer.subject(name_.kind, name_.value);
  for (std::size_t f = 0; f < values.size(); ++f) {
    const Value& v = values[f];
    if (v.value.empty()) continue;
    const std::uint8_t field = archive_.numbers.of(dataset_.id, f);
    if (f == *dataset_.subject) {
      writer.subject_value(field, v.original);
    } else if (others_[f] != nullptr) {
      link_plain_.clear();
      link_sealed_.clear();
      encode_link(v.value, v.original, link_plain_);
      bound_.clear();
      append_associated_link(bound_, key_, version, field);
      vault::Vault::seal(others_[f]->key, bound_, link_plain_, link_sealed_);
      writer.link(field, others_[f]->slot, link_sealed_);
    } else {
      writer.value(field, v.value, v.original);
    }
  }
}

/// retire moves the current version to the past and takes its postings out of the index.
Result<void> Keeper::retire(const StoredRecord& current, const Known& subject) {
  std::string old;
  append(old, current);
  batch_.put(storage::Table::past, past_key(key_, current.version), old);
  WipingBuffer plain;
  if (auto opened =
          vault::Vault::open(subject.key, associated(key_, current.version), current.sealed, plain);
      !opened)
    return std::unexpected(opened.error());
  auto tags = index_tags(archive_, dataset_, key_, current.version, plain.view());
  if (!tags) return std::unexpected(tags.error());
  for (const Tag& tag : *tags) batch_.erase(storage::Table::index, posting_key(tag, key_));
  return {};
}

void Keeper::post(std::span<const Value> values) {
  for (std::size_t f = 0; f < values.size(); ++f) {
    if (values[f].value.empty() || !dataset_.fields[f].indexed()) continue;
    folded_.clear();
    append_folded(values[f].value, folded_);
    const Tag tag = archive_.vault.index_tag(dataset_.fields[f].id, folded_);
    bound_.assign(view(tag)).append(key_);
    batch_.put(storage::Table::index, bound_, {});
  }
}

Result<Kept> Keeper::put(std::span<const Value> values, std::size_t twin) {
  fold_key(values);
  name_subject(values, twin);
  const Tag record = archive_.vault.record_tag(dataset_.name, folded_);
  auto subject = know(name_);
  if (!subject) return std::unexpected(subject.error());
  Known& own = **subject;

  // What the row says, as far as it may be known without the keys of those it names.
  digest_text_.clear();
  for (std::size_t f = 0; f < values.size(); ++f) {
    others_[f] = nullptr;
    const Value& v = values[f];
    if (v.value.empty()) continue;
    digest_text_.push_back(static_cast<char>(archive_.numbers.of(dataset_.id, f)));
    if (!dataset_.fields[f].link.empty() && f != *dataset_.subject) {
      other_.kind = kind_of(dataset_.fields[f], v);
      other_.value = v.value;
      auto named = know(other_);  // a pointer into an unordered_map: it stays
      if (!named) return std::unexpected(named.error());
      others_[f] = *named;
      digest_text_ += std::to_string(number((*named)->slot));
    } else {
      digest_text_ += v.value;
    }
    digest_text_.push_back('\0');
  }
  const Digest mac = crypto::Hmac(own.key.bytes()).mac(digest_text_);
  StoredRecord next;
  std::copy_n(mac.begin(), next.digest.size(), next.digest.begin());

  key_.clear();
  append(key_, RecordKey{dataset_number_, own.slot, record});
  std::copy_n(key_.begin(), key_bytes_.size(), key_bytes_.begin());
  StoredRecord current;
  auto exists = find_current(own, current);
  if (!exists) return std::unexpected(exists.error());
  if (*exists && current.digest == next.digest) return Kept::repeated;
  if (*exists) {
    if (auto ok = retire(current, own); !ok) return std::unexpected(ok.error());
  } else {
    ++new_records_;
    if (dataset_.one && offers_.size() < kOffersOfBatch)
      offers_.push_back({archive_.vault.tag(name_), RecordKey{dataset_number_, own.slot, record}});
  }
  if (!own.has_records) {
    own.has_records = true;
    if (own.made_in != batch_number_) touched_.emplace_back(archive_.vault.tag(name_), &own);
  }
  next.version = (*exists ? current.version : 0) + 1;
  next.taken_in = taken_in_;
  write_plaintext(values, next.version);
  sealed_.clear();
  bound_.clear();
  append_associated(bound_, key_, next.version);
  vault::Vault::seal(own.key, bound_, plaintext_, sealed_);
  next.sealed = sealed_;
  value_.clear();
  append(value_, next);
  pending_.insert_or_assign(key_bytes_, batch_.size());
  batch_.put(storage::Table::records, key_, value_);
  post(values);
  return Kept::accepted;
}

Result<void> Keeper::commit(std::string_view import_key, std::string_view import_value) {
  begin();
  if (new_slots_)
    if (auto ok = archive_.vault.sync_slots(); !ok) return std::unexpected(ok.error());
  for (const auto& [tag, known] : touched_) {
    batch_.put(storage::Table::subjects, view(tag),
               encode(SubjectRow{known->slot, known->has_records, false, {}}));
  }
  if (new_records_ > 0) {
    auto count = read_count(archive_.store, dataset_.name);
    if (!count) return std::unexpected(count.error());
    batch_.put(storage::Table::settings, count_key(dataset_.name),
               encode_count(*count + new_records_));
  }
  if (!import_key.empty()) {
    if (import_value.empty())
      batch_.erase(storage::Table::imports, import_key);
    else
      batch_.put(storage::Table::imports, import_key, import_value);
  }
  if (!batch_.empty())
    if (auto ok = archive_.store.write(batch_, storage::Durability::buffered); !ok) return ok;
  batch_.clear();
  pending_.clear();
  touched_.clear();
  for (const auto& one : offers_) archive_.decoys.offer(one);
  offers_.clear();
  new_records_ = 0;
  new_slots_ = false;
  generation_ = ++archive_.generation;
  lock_.unlock();
  return {};
}

}  // namespace amanat::registry
