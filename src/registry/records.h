#pragma once
// registry, records: the bytes of subjects, records and postings in the store, and of a record
// before it is sealed. docs/records-format.md is the specification. Pure functions, this room only.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/ids.h"
#include "model/result.h"
#include "model/secret.h"
#include "vault/vault.h"

namespace amanat::registry {

/// RowDigest tells equal rows without decrypting: HMAC under the subject's own key, cut to 16
/// bytes.
using RowDigest = std::array<std::uint8_t, 16>;

/// SubjectRow is a value of Table::subjects.
struct SubjectRow {
  vault::Slot slot{};
  bool has_records = false;       // false: only named by other people's records
  bool erasing = false;           // an erasure began and must be finished
  std::vector<vault::Slot> also;  // of an erasure: the slots that die with it
};
std::string encode(const SubjectRow& row);
Result<SubjectRow> decode_subject(std::string_view value);

inline std::string_view view(const Tag& tag) {
  return {reinterpret_cast<const char*>(tag.data()), tag.size()};
}

/// RecordKey is a key of Table::records; its first ten bytes are one subject's share of a dataset.
struct RecordKey {
  std::uint16_t dataset = 0;  // the stored number, not the DatasetId
  vault::Slot slot{};
  Tag record{};
};
inline constexpr std::size_t kRecordKeyBytes = 26, kSubjectPrefixBytes = 10;
void append(std::string& out, const RecordKey& key);
std::string subject_prefix(std::uint16_t dataset, vault::Slot slot);
std::optional<RecordKey> decode_record_key(std::string_view key);
/// past_key is the key of an older version in Table::past.
std::string past_key(std::string_view record_key, std::uint32_t version);

/// posting_key is a key of Table::index: the blind tag, then the record's key.
std::string posting_key(const Tag& index_tag, std::string_view record_key);
std::optional<RecordKey> decode_posting(std::string_view key);

/// StoredRecord is a value of Table::records and Table::past.
struct StoredRecord {
  std::uint32_t version = 0;
  Moment taken_in{};
  RowDigest digest{};
  std::string_view sealed;
};
void append(std::string& out, const StoredRecord& record);
Result<StoredRecord> decode_record(std::string_view value);

/// associated is what the seal of a record binds: record key and version; of a link, its field too.
std::string associated(std::string_view record_key, std::uint32_t version);
std::string associated_link(std::string_view record_key, std::uint32_t version, std::uint8_t field);
void append_associated(std::string& out, std::string_view record_key, std::uint32_t version);
void append_associated_link(std::string& out, std::string_view record_key, std::uint32_t version,
                            std::uint8_t field);

/// RecordWriter makes the plaintext of a record: whose it is, then the values.
class RecordWriter {
 public:
  explicit RecordWriter(std::string& out) : out_(out) {}
  void subject(SubjectKind kind, std::string_view value);
  /// value adds a field by its stored number; `original` is empty where it does not differ.
  void value(std::uint8_t field, std::string_view value, std::string_view original);
  /// subject_value adds the field that holds the subject's own name, without repeating it.
  void subject_value(std::uint8_t field, std::string_view original);
  /// link adds a value sealed under another subject's key.
  void link(std::uint8_t field, vault::Slot other, std::string_view sealed);

 private:
  std::string& out_;
};

/// RecordReader reads it back. Views live as long as the plaintext.
class RecordReader {
 public:
  struct Value {
    std::uint8_t field = 0;
    bool linked = false;
    std::string_view value, original;  // of a link: empty
    vault::Slot other{};               // of a link
    std::string_view sealed;           // of a link
  };
  /// over reads whose record it is. Errors: seal_broken (not a record).
  static Result<RecordReader> over(std::string_view plaintext);
  SubjectKind kind() const { return kind_; }
  std::string_view subject() const { return subject_; }
  /// next reads a value; false at the end. Errors: seal_broken.
  Result<bool> next(Value& value);

 private:
  SubjectKind kind_{};
  std::string_view subject_, rest_;
};

/// encode_link and decode_link are the plaintext of a sealed link: the value and its original.
void encode_link(std::string_view value, std::string_view original, std::string& out);
Result<std::string_view> decode_link(std::string_view plaintext);

}  // namespace amanat::registry
