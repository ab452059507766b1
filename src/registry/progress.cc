#include "registry/progress.h"

#include <algorithm>
#include <fstream>

#include "model/insist.h"
#include "net/json.h"
#include "storage/file.h"

namespace amanat::registry {
namespace {

constexpr std::size_t kEndBytes = 64 * 1024;
constexpr std::string_view kQuarantineHeader = "row,line,field,reason\n";

std::uint64_t member(const net::Json& json, std::string_view name) {
  const auto* found = json.find(name);
  return found == nullptr ? 0 : found->integer().value_or(0);
}

std::optional<Reason> reason_of(std::string_view id) {
  for (std::size_t i = 0; i < reason_count(); ++i)
    if (row_of(static_cast<Reason>(i)).id == id) return static_cast<Reason>(i);
  return std::nullopt;
}

}  // namespace

std::string encode(const Progress& p) {
  net::JsonWriter out;
  out.begin_object();
  out.key("taken_in").number(number(p.taken_in));
  out.key("offset").number(p.offset);
  out.key("line").number(p.line);
  out.key("quarantine_bytes").number(p.quarantine_bytes);
  out.key("rows").number(p.report.rows);
  out.key("accepted").number(p.report.accepted);
  out.key("repeated").number(p.report.repeated);
  out.key("blank").number(p.report.blank);
  out.key("quarantined").number(p.report.quarantined);
  out.key("reasons").begin_object();
  for (const auto& [id, count] : p.report.reasons) out.key(id).number(count);
  out.end_object();
  out.key("first").begin_array();
  for (const auto& q : p.report.first_quarantined) {
    out.begin_array()
        .number(q.row)
        .number(q.line)
        .string(row_of(q.reason).id)
        .string(q.field)
        .end_array();
  }
  out.end_array().end_object();
  return out.take();
}

std::optional<Progress> decode_progress(std::string_view value) {
  const auto json =
      net::parse_json(value, {.bytes_max = 1 << 20, .depth_max = 4, .values_max = 8192});
  if (!json || json->object() == nullptr) return std::nullopt;
  Progress p;
  p.taken_in = Moment{member(*json, "taken_in")};
  p.offset = member(*json, "offset");
  p.line = member(*json, "line");
  p.quarantine_bytes = member(*json, "quarantine_bytes");
  p.report.rows = member(*json, "rows");
  p.report.accepted = member(*json, "accepted");
  p.report.repeated = member(*json, "repeated");
  p.report.blank = member(*json, "blank");
  p.report.quarantined = member(*json, "quarantined");
  if (p.line == 0) return std::nullopt;
  const auto* reasons = json->find("reasons");
  const auto* first = json->find("first");
  if (reasons == nullptr || reasons->object() == nullptr || first == nullptr ||
      first->array() == nullptr)
    return std::nullopt;
  for (const auto& one : *reasons->object())
    p.report.reasons[one.name] = one.value.integer().value_or(0);
  for (const auto& one : *first->array()) {
    const auto* q = one.array();
    if (q == nullptr || q->size() != 4 || (*q)[2].string() == nullptr ||
        (*q)[3].string() == nullptr)
      return std::nullopt;
    const auto reason = reason_of(*(*q)[2].string());
    if (!reason) return std::nullopt;
    p.report.first_quarantined.push_back(
        {(*q)[0].integer().value_or(0), (*q)[1].integer().value_or(0), *reason, *(*q)[3].string()});
  }
  return p;
}

Result<std::string> fingerprint(const vault::Vault& vault, std::string_view dataset,
                                const std::string& file) {
  std::ifstream in(file, std::ios::binary | std::ios::ate);  // a department's file may be read-only
  if (!in) return fail(Reason::file_failed, "the file cannot be opened");
  const auto size = static_cast<std::uint64_t>(in.tellg());
  const std::uint64_t tail = std::min<std::uint64_t>(kEndBytes, size);
  std::string ends(static_cast<std::size_t>(2 * tail), '\0');
  in.seekg(0).read(ends.data(), static_cast<std::streamsize>(tail));
  in.seekg(static_cast<std::streamoff>(size - tail))
      .read(ends.data() + tail, static_cast<std::streamsize>(tail));
  if (!in) return fail(Reason::file_failed, "the file cannot be read");
  // Keyed: a short file's plain hash would let a guess at it be tested.
  const Tag tag = vault.record_tag("import", ends);
  std::string key = "file/" + std::string(dataset) + "/" + std::to_string(size) + "/";
  key.append(reinterpret_cast<const char*>(tag.data()), tag.size());
  return key;
}

Result<Quarantine> Quarantine::open(const std::string& path, std::uint64_t bytes) {
  Quarantine q;
  if (path.empty()) return q;
  auto file = storage::system_disk().open(path, storage::Disk::Open::create_or_existing);
  if (!file) return std::unexpected(file.error());
  auto size = (*file)->size();
  if (!size) return std::unexpected(size.error());
  if (*size < bytes) bytes = *size;  // somebody took it away meanwhile: begin where it ends
  if (auto cut = (*file)->truncate(bytes); !cut) return std::unexpected(cut.error());
  q.file_ = *std::move(file);
  q.bytes_ = bytes;
  if (bytes == 0) q.waiting_ = kQuarantineHeader;
  return q;
}

void Quarantine::add(const ImportReport::Quarantined& one) {
  insist(one.row > 0);
  if (file_ == nullptr) return;
  waiting_ += std::to_string(one.row) + "," + std::to_string(one.line) + "," + one.field + "," +
              std::string(row_of(one.reason).id) + "\n";
}

Result<void> Quarantine::flush() {
  if (file_ == nullptr || waiting_.empty()) return {};
  if (auto ok = file_->write_at(bytes_, waiting_); !ok) return ok;
  bytes_ += waiting_.size();
  waiting_.clear();
  return {};
}

}  // namespace amanat::registry
