#include "probe/journal.h"

#include <sys/stat.h>

#include <optional>

#include "storage/file.h"

namespace amanat::probe {
namespace {

constexpr std::size_t kFileMost = 64 << 20, kLineMost = 1 << 20;
constexpr std::string_view kDifferences[] = {"unknown", "same-body", "same-members",
                                             "other-members", "no-body"};
constexpr std::string_view kOutcomes[] = {"refused", "open", "answered", "unclear", "not-asked"};

template <class T, std::size_t N>
std::optional<T> place_of(const std::string_view (&words)[N], const net::Json* word) {
  if (word == nullptr || word->string() == nullptr) return std::nullopt;
  for (std::size_t i = 0; i < N; ++i)
    if (words[i] == *word->string()) return static_cast<T>(i);
  return std::nullopt;
}

std::optional<Kind> kind_of(const net::Json* word) {
  if (word == nullptr || word->string() == nullptr) return std::nullopt;
  for (std::size_t i = 0; i < kind_count(); ++i)
    if (row_of(static_cast<Kind>(i)).id == *word->string()) return static_cast<Kind>(i);
  return std::nullopt;
}

std::string text_of(const net::Json& object, std::string_view name) {
  const net::Json* found = object.find(name);
  return found == nullptr || found->string() == nullptr ? std::string() : *found->string();
}

std::uint64_t number_of(const net::Json& object, std::string_view name) {
  const net::Json* found = object.find(name);
  return found == nullptr ? 0 : found->integer().value_or(0);
}

std::optional<Finding> finding_of(const net::Json& object) {
  Finding made;
  const auto kind = kind_of(object.find("kind"));
  const auto difference = place_of<Difference>(kDifferences, object.find("difference"));
  const net::Json* how = object.find("how");
  const net::Json* personal = object.find("personal");
  if (!kind || !difference || how == nullptr || how->array() == nullptr || personal == nullptr ||
      personal->array() == nullptr)
    return std::nullopt;
  made.kind = *kind;
  made.difference = *difference;
  made.method = text_of(object, "method");
  made.path = text_of(object, "path");
  made.status = static_cast<unsigned>(number_of(object, "status"));
  for (const auto& one : *how->array())
    if (one.string() != nullptr) made.how.push_back(*one.string());
  for (const auto& one : *personal->array()) {
    PersonalCount count;
    bool known = false;
    for (std::size_t i = 0; i < registry::kPersonalTypes; ++i)
      if (registry::personal_word(static_cast<registry::PersonalType>(i)) == text_of(one, "type")) {
        count.type = static_cast<registry::PersonalType>(i);
        known = true;
      }
    if (!known) return std::nullopt;
    count.count = number_of(one, "count");
    count.shape = text_of(one, "shape");
    made.personal.push_back(std::move(count));
  }
  return made;
}

}  // namespace

void append_finding(net::JsonWriter& json, const Finding& finding) {
  const KindRow& row = row_of(finding.kind);
  json.begin_object();
  json.key("kind").string(row.id);
  json.key("weight").string(row.weight == Weight::high     ? "high"
                            : row.weight == Weight::medium ? "medium"
                                                           : "low");
  json.key("method").string(finding.method);
  json.key("path").string(finding.path);
  json.key("says").string(row.english);
  json.key("next").string(row.next_english);
  json.key("status").number(finding.status);
  json.key("difference").string(kDifferences[static_cast<std::size_t>(finding.difference)]);
  json.key("how").begin_array();
  for (const auto& one : finding.how) json.string(one);
  json.end_array();
  json.key("personal").begin_array();
  for (const auto& one : finding.personal) {
    json.begin_object().key("type").string(registry::personal_word(one.type));
    json.key("count").number(one.count).key("shape").string(one.shape).end_object();
  }
  json.end_array().end_object();
}

void append_visit(net::JsonWriter& json, const Visit& visit) {
  json.begin_object().key("method").string(visit.method).key("path").string(visit.path);
  json.key("public").boolean(visit.is_public);
  json.key("outcome").string(kOutcomes[static_cast<std::size_t>(visit.outcome)]);
  json.key("stranger_status").number(visit.stranger_status);
  json.key("own_status").number(visit.own_status).end_object();
}

Result<std::pair<Examined, std::uint64_t>> read_journal_line(std::string_view line) {
  const auto parsed = net::parse_json(line, {.bytes_max = kLineMost, .values_max = 100'000});
  if (!parsed) return std::unexpected(parsed.error());
  const net::Json* visit = parsed->find("visit");
  const net::Json* findings = parsed->find("findings");
  if (visit == nullptr || findings == nullptr || findings->array() == nullptr)
    return fail(Reason::malformed_value, "a line of the journal");
  Examined made;
  const auto outcome = place_of<Outcome>(kOutcomes, visit->find("outcome"));
  if (!outcome) return fail(Reason::malformed_value, "a line of the journal");
  made.visit.outcome = *outcome;
  made.visit.method = text_of(*visit, "method");
  made.visit.path = text_of(*visit, "path");
  if (const auto* open = visit->find("public"))
    made.visit.is_public = open->boolean().value_or(false);
  made.visit.stranger_status = static_cast<unsigned>(number_of(*visit, "stranger_status"));
  made.visit.own_status = static_cast<unsigned>(number_of(*visit, "own_status"));
  for (const auto& one : *findings->array()) {
    auto finding = finding_of(one);
    if (!finding) return fail(Reason::malformed_value, "a line of the journal");
    made.findings.push_back(*std::move(finding));
  }
  return std::pair{std::move(made), number_of(*parsed, "asked")};
}

Result<Journal> Journal::open(const std::string& file, const std::string& run) {
  Journal made;
  if (file.empty()) return made;
  made.file_ = file;
  const std::string first = "{\"amanat_probe\":1,\"run\":\"" + run + "\"}\n";
  std::string kept = first;
  struct stat info {};
  if (::stat(file.c_str(), &info) == 0 && info.st_size > 0) {
    auto text = storage::read_file(file, kFileMost);
    if (!text) return std::unexpected(text.error());
    if (!text->starts_with(first))
      return fail(Reason::usage_wrong, file + " is the journal of another run; name a new file");
    std::string_view left = std::string_view(*text).substr(first.size());
    while (!left.empty()) {
      const auto end = left.find('\n');
      if (end == left.npos) break;
      auto line = read_journal_line(left.substr(0, end));
      if (!line) break;
      kept += left.substr(0, end + 1);
      made.done_.push_back(std::move(line->first));
      made.asked_ = line->second;
      left.remove_prefix(end + 1);
    }
  }
  if (const auto written = storage::replace_file(storage::system_disk(), file, kept, 0600);
      !written)
    return std::unexpected(written.error());
  made.out_.open(file, std::ios::binary | std::ios::app);
  if (!made.out_) return fail(Reason::file_failed, file);
  return made;
}

Result<void> Journal::add(const Examined& examined, std::uint64_t asked) {
  if (file_.empty()) return {};
  net::JsonWriter json;
  json.begin_object().key("asked").number(asked).key("visit");
  append_visit(json, examined.visit);
  json.key("findings").begin_array();
  for (const auto& one : examined.findings) append_finding(json, one);
  json.end_array().end_object();
  out_ << json.take() << '\n' << std::flush;
  if (!out_) return fail(Reason::file_failed, file_);
  return {};
}

}  // namespace amanat::probe
