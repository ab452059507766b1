#include "registry/records.h"

#include <cstring>

#include "model/insist.h"

namespace amanat::registry {
namespace {

constexpr char kFormat = 1;
constexpr std::uint8_t kHasOriginal = 1, kLinked = 2, kIsSubject = 4;
constexpr std::uint8_t kHasRecords = 1, kErasing = 2;

template <class T>
void append_big_endian(std::string& out, T number) {
  for (int shift = static_cast<int>(sizeof(T)) * 8 - 8; shift >= 0; shift -= 8)
    out.push_back(static_cast<char>((number >> shift) & 0xff));
}

template <class T>
bool take_big_endian(std::string_view& in, T& number) {
  if (in.size() < sizeof(T)) return false;
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i)
    value = static_cast<T>(static_cast<T>(value << 8) |
                           static_cast<T>(static_cast<std::uint8_t>(in[i])));
  in.remove_prefix(sizeof(T));
  number = value;
  return true;
}

void append_text(std::string& out, std::string_view text) {
  std::size_t n = text.size();
  insist(n < (std::size_t{1} << 28));
  while (n >= 0x80) {
    out.push_back(static_cast<char>((n & 0x7f) | 0x80));
    n >>= 7;
  }
  out.push_back(static_cast<char>(n));
  out.append(text);
}

bool take_text(std::string_view& in, std::string_view& text) {
  std::size_t n = 0;
  for (unsigned shift = 0;; shift += 7) {
    if (in.empty() || shift > 21) return false;
    const auto byte = static_cast<std::uint8_t>(in.front());
    in.remove_prefix(1);
    n |= static_cast<std::size_t>(byte & 0x7f) << shift;
    if ((byte & 0x80) == 0) break;
  }
  if (n > in.size()) return false;
  text = in.substr(0, n);
  in.remove_prefix(n);
  return true;
}

std::unexpected<Failure> broken(const char* what) { return fail(Reason::seal_broken, what); }

}  // namespace

std::string encode(const SubjectRow& row) {
  insist(row.erasing || row.also.empty());
  std::string out(1, kFormat);
  append_big_endian(out, number(row.slot));
  out.push_back(
      static_cast<char>((row.has_records ? kHasRecords : 0) | (row.erasing ? kErasing : 0)));
  for (const auto slot : row.also) append_big_endian(out, number(slot));
  return out;
}

Result<SubjectRow> decode_subject(std::string_view value) {
  if (value.size() < 10 || value[0] != kFormat)
    return broken("a subject's row has an unknown form");
  value.remove_prefix(1);
  SubjectRow row;
  std::uint64_t slot = 0;
  std::uint8_t flags = 0;
  take_big_endian(value, slot);
  take_big_endian(value, flags);
  row.slot = vault::Slot{slot};
  row.has_records = (flags & kHasRecords) != 0;
  row.erasing = (flags & kErasing) != 0;
  if (value.size() % 8 != 0) return broken("a subject's row has an unknown form");
  while (take_big_endian(value, slot)) row.also.push_back(vault::Slot{slot});
  return row;
}

void append(std::string& out, const RecordKey& key) {
  append_big_endian(out, key.dataset);
  append_big_endian(out, number(key.slot));
  out.append(view(key.record));
}

std::string subject_prefix(std::uint16_t dataset, vault::Slot slot) {
  std::string out;
  append_big_endian(out, dataset);
  append_big_endian(out, number(slot));
  insist(out.size() == kSubjectPrefixBytes);
  return out;
}

std::optional<RecordKey> decode_record_key(std::string_view key) {
  if (key.size() != kRecordKeyBytes) return std::nullopt;
  RecordKey out;
  std::uint64_t slot = 0;
  take_big_endian(key, out.dataset);
  take_big_endian(key, slot);
  out.slot = vault::Slot{slot};
  std::memcpy(out.record.data(), key.data(), out.record.size());
  return out;
}

std::string past_key(std::string_view record_key, std::uint32_t version) {
  insist(record_key.size() == kRecordKeyBytes);
  std::string out(record_key);
  append_big_endian(out, version);
  return out;
}

std::string posting_key(const Tag& index_tag, std::string_view record_key) {
  insist(record_key.size() == kRecordKeyBytes);
  std::string out(view(index_tag));
  out.append(record_key);
  return out;
}

std::optional<RecordKey> decode_posting(std::string_view key) {
  if (key.size() != sizeof(Tag) + kRecordKeyBytes) return std::nullopt;
  return decode_record_key(key.substr(sizeof(Tag)));
}

void append(std::string& out, const StoredRecord& record) {
  insist(record.version > 0);
  out.push_back(kFormat);
  append_big_endian(out, record.version);
  append_big_endian(out, number(record.taken_in));
  out.append(reinterpret_cast<const char*>(record.digest.data()), record.digest.size());
  out.append(record.sealed);
}

Result<StoredRecord> decode_record(std::string_view value) {
  if (value.size() < 29 || value[0] != kFormat) return broken("a record has an unknown form");
  value.remove_prefix(1);
  StoredRecord out;
  std::uint64_t taken_in = 0;
  take_big_endian(value, out.version);
  take_big_endian(value, taken_in);
  out.taken_in = Moment{taken_in};
  std::memcpy(out.digest.data(), value.data(), out.digest.size());
  out.sealed = value.substr(out.digest.size());
  return out;
}

void append_associated(std::string& out, std::string_view record_key, std::uint32_t version) {
  insist(record_key.size() == kRecordKeyBytes);
  out.append(record_key);
  append_big_endian(out, version);
}

void append_associated_link(std::string& out, std::string_view record_key, std::uint32_t version,
                            std::uint8_t field) {
  append_associated(out, record_key, version);
  out.push_back(static_cast<char>(field));
}

std::string associated(std::string_view record_key, std::uint32_t version) {
  std::string out;
  append_associated(out, record_key, version);
  return out;
}

std::string associated_link(std::string_view record_key, std::uint32_t version,
                            std::uint8_t field) {
  std::string out;
  append_associated_link(out, record_key, version, field);
  return out;
}

void RecordWriter::subject(SubjectKind kind, std::string_view value) {
  out_.push_back(kFormat);
  out_.push_back(static_cast<char>(kind));
  append_text(out_, value);
}

void RecordWriter::value(std::uint8_t field, std::string_view value, std::string_view original) {
  insist(!value.empty());
  out_.push_back(static_cast<char>(field));
  out_.push_back(static_cast<char>(original.empty() ? 0 : kHasOriginal));
  append_text(out_, value);
  if (!original.empty()) append_text(out_, original);
}

void RecordWriter::subject_value(std::uint8_t field, std::string_view original) {
  out_.push_back(static_cast<char>(field));
  out_.push_back(static_cast<char>(kIsSubject | (original.empty() ? 0 : kHasOriginal)));
  if (!original.empty()) append_text(out_, original);
}

void RecordWriter::link(std::uint8_t field, vault::Slot other, std::string_view sealed) {
  insist(!sealed.empty());
  out_.push_back(static_cast<char>(field));
  out_.push_back(static_cast<char>(kLinked));
  append_big_endian(out_, number(other));
  append_text(out_, sealed);
}

Result<RecordReader> RecordReader::over(std::string_view plaintext) {
  RecordReader reader;
  if (plaintext.size() < 2 || plaintext[0] != kFormat)
    return broken("a record's plaintext has an unknown form");
  const auto kind = static_cast<std::uint8_t>(plaintext[1]);
  if (kind < 1 || kind > 4) return broken("a record's plaintext has an unknown form");
  reader.kind_ = SubjectKind{kind};
  reader.rest_ = plaintext.substr(2);
  if (!take_text(reader.rest_, reader.subject_)) return broken("a record's plaintext is cut short");
  return reader;
}

Result<bool> RecordReader::next(Value& value) {
  if (rest_.empty()) return false;
  value = Value{};
  std::uint8_t flags = 0;
  bool ok = take_big_endian(rest_, value.field) && take_big_endian(rest_, flags);
  if (ok && (flags & kLinked) != 0) {
    std::uint64_t other = 0;
    value.linked = true;
    ok = take_big_endian(rest_, other) && take_text(rest_, value.sealed);
    value.other = vault::Slot{other};
  } else if (ok) {
    if ((flags & kIsSubject) != 0)
      value.value = subject_;
    else
      ok = take_text(rest_, value.value);
    if (ok && (flags & kHasOriginal) != 0) ok = take_text(rest_, value.original);
  }
  if (!ok) return broken("a record's plaintext is cut short");
  return true;
}

void encode_link(std::string_view value, std::string_view original, std::string& out) {
  append_text(out, value);
  append_text(out, original);
}

Result<std::string_view> decode_link(std::string_view plaintext) {
  std::string_view value, original;
  if (!take_text(plaintext, value) || !take_text(plaintext, original) || !plaintext.empty())
    return broken("a link's plaintext has an unknown form");
  return value;
}

}  // namespace amanat::registry
