// amanat extract: sends a list, asks for an extract about it, waits until its entries are in the
// ledger, fetches the rows range by range, and has the exchange wipe its copy. A run that was stopped
// is gone on with by the same command: FILE.extract names what was asked, FILE.part has what came.

#include <algorithm>
#include <chrono>
#include <iostream>
#include <iterator>
#include <optional>
#include <sstream>
#include <thread>

#include "cli/ask.h"
#include "cli/commands.h"
#include "cli/terminal.h"
#include "crypto/crypto.h"
#include "lookup/lists.h"
#include "net/csv.h"
#include "registry/registry.h"
#include "storage/file.h"

namespace amanat::cli {
namespace {

constexpr std::size_t kListBytesMax = 4u << 20;
constexpr std::size_t kPartNumbers = 4000;  // of 14 bytes: a body of less than 64 KiB
constexpr std::uint64_t kRangeBytes = 1u << 20;
constexpr auto kPoll = std::chrono::milliseconds(200);

// The citizens that a file of cases names in one of them, each on a line; nothing if it is no such
// file (docs/extracts.md, as `amanat import cases` takes it).
Result<std::optional<std::string>> citizens_of_case(const std::string& text,
                                                    const std::string& wanted) {
  net::CsvReader rows = net::CsvReader::over(text);
  net::CsvReader::Row row;
  std::optional<std::size_t> refs, subjects;
  std::string found;
  for (bool head = true, known = false;; head = false) {
    auto more = rows.next(row);
    if (!more) return std::unexpected(more.error());
    if (!*more) {
      if (refs && subjects && !known) return fail(Reason::usage_wrong, "no such case in the list's file");
      return refs && subjects ? std::optional(std::move(found)) : std::nullopt;
    }
    for (std::size_t i = 0; head && i < row.cells.size(); ++i) {
      if (row.cells[i] == "Case Ref") refs = i;
      if (row.cells[i] == "Subjects CNIC" || row.cells[i] == "Subjects") subjects = i;
    }
    if (!refs || !subjects) return std::optional<std::string>();
    if (row.cells.size() <= std::max(*refs, *subjects) || row.cells[*refs] != wanted) continue;
    known = true;
    for (const char c : row.cells[*subjects]) found.push_back(c == ';' ? '\n' : c);
    found.push_back('\n');
  }
}

Result<std::vector<std::string>> list_of(const std::string& file, const std::string& case_ref) {
  std::string text;
  if (file == "-") {
    text.assign(std::istreambuf_iterator<char>(std::cin), {});
  } else {
    auto read = storage::read_file(file, kListBytesMax);
    if (!read) return std::unexpected(read.error());
    text = *std::move(read);
  }
  auto named = citizens_of_case(text, case_ref);
  if (!named) return std::unexpected(named.error());
  auto list = lookup::parse_list(*named ? **named : text);
  if (!list) return list;
  std::sort(list->begin(), list->end());
  list->erase(std::unique(list->begin(), list->end()), list->end());
  if (list->empty() || list->size() > lookup::kListCitizensMax)
    return fail(Reason::usage_wrong, "a list has 1 to 100000 numbers");
  return list;
}

std::string question_about(const Call& call, const std::vector<std::string>& list) {
  net::JsonWriter json;
  json.begin_object().key("list").begin_object();
  json.key("sha256").string(crypto::hex(registry::Registry::list_digest(list)));
  json.key("citizens").number(list.size()).end_object();
  json.key("fields").begin_array();
  std::istringstream fields(call.option("fields"));
  for (std::string field; std::getline(fields, field, ',');)
    if (!field.empty()) json.string(field);
  json.end_array();
  json.key("purpose").string(call.option("purpose"));
  json.key("format").string(call.option_or("format", "csv"));
  if (call.has("case")) json.key("case").string(call.option("case"));
  if (call.has("reason")) json.key("reason").string(call.option("reason"));
  json.end_object();
  return json.take();
}

class Fetching {
 public:
  Fetching(const Call& call, const Emit& emit, net::Client client)
      : call_(call), emit_(emit), client_(std::move(client)), out_(call.option("out")) {}

  Result<void> run();
  std::string told() const;

 private:
  Result<net::Json> ask(std::string_view method, const std::string& target,
                        std::string_view body = {}, std::string_view type = "application/json");
  Result<std::string> text(const std::string& target);
  Result<void> ask_anew();
  Result<net::Json> settled();
  Result<void> fetch();
  Result<void> keep(const std::string& suffix, const std::string& content);
  std::string at() const { return "/v1/extracts/" + id_; }
  std::string said(const char* name) const {
    const net::Json* member = view_.find(name);
    return member != nullptr && member->string() != nullptr ? *member->string() : std::string();
  }
  std::uint64_t counted(const char* name) const {
    const net::Json* member = view_.find(name);
    return member != nullptr && member->integer() ? *member->integer() : 0;
  }

  const Call& call_;
  const Emit& emit_;
  net::Client client_;
  const std::string out_;
  std::string id_;
  net::Json view_;
};

Result<net::Json> Fetching::ask(std::string_view method, const std::string& target,
                                std::string_view body, std::string_view type) {
  auto response = client_.ask(method, target, body, type);
  if (!response) return std::unexpected(response.error());
  auto json = parse_answer(response->body);
  if (!json) return fail(Reason::malformed_json, "the exchange's answer");
  if (response->status >= 300) return std::unexpected(refusal_of(*json));
  return json;
}

Result<std::string> Fetching::text(const std::string& target) {
  auto response = client_.ask("GET", target, "");
  if (!response) return std::unexpected(response.error());
  if (response->status == 200) return std::move(response->body);
  auto json = parse_answer(response->body);
  if (!json) return fail(Reason::malformed_json, "the exchange's answer");
  return std::unexpected(refusal_of(*json));
}

Result<void> Fetching::keep(const std::string& suffix, const std::string& content) {
  return storage::replace_file(storage::system_disk(), out_ + suffix, content, 0600);
}

Result<void> Fetching::ask_anew() {
  if (!call_.has("list")) return fail(Reason::usage_wrong, "about whom? --list FILE");
  for (const char* needed : {"fields", "purpose"})
    if (!call_.has(needed))
      return fail(Reason::usage_wrong, "--" + std::string(needed) + " is missing");
  auto list = list_of(call_.option("list"), call_.option_or("case", ""));
  if (!list) return std::unexpected(list.error());
  const std::string digest = crypto::hex(registry::Registry::list_digest(*list));
  Progress progress(call_.manner, emit_, "sending");
  for (std::size_t from = 0, part = 0; from < list->size(); from += kPartNumbers, ++part) {
    std::string lines;
    const std::size_t to = std::min(list->size(), from + kPartNumbers);
    for (std::size_t i = from; i < to; ++i) lines += (*list)[i] + "\n";
    auto sent = ask("PUT", "/v1/extracts/lists/" + digest + "/" + std::to_string(part), lines,
                    "text/plain");
    if (!sent) return std::unexpected(sent.error());
    progress.show(to, list->size(), to, "numbers");
  }
  auto asked = ask("POST", "/v1/extracts", question_about(call_, *list));
  if (!asked) return std::unexpected(asked.error());
  const net::Json* id = asked->find("extract");
  if (id == nullptr || id->string() == nullptr)
    return fail(Reason::malformed_json, "the exchange's answer");
  id_ = *id->string();
  return keep(".extract", id_ + "\n");
}

Result<net::Json> Fetching::settled() {
  Progress progress(call_.manner, emit_, "extracting");
  for (;;) {
    auto view = ask("GET", at());
    if (!view) return view;
    view_ = *view;
    const std::string state = said("state");
    if (state != "making" && state != "closing") return view;
    progress.show(counted("done"), counted("citizens"), counted("done"), "citizens");
    std::this_thread::sleep_for(kPoll);
  }
}

Result<void> Fetching::fetch() {
  storage::Disk& disk = storage::system_disk();
  auto file = disk.open(out_ + ".part", storage::Disk::Open::create_or_existing);
  if (!file) return std::unexpected(file.error());
  auto have = (*file)->size();
  if (!have) return std::unexpected(have.error());
  const std::uint64_t bytes = counted("bytes");
  if (*have > bytes) {
    if (auto cut = (*file)->truncate(0); !cut) return cut;
    have = 0;
  }
  Progress progress(call_.manner, emit_, "fetching");
  for (std::uint64_t from = *have; from < bytes;) {
    const std::uint64_t to = std::min(bytes, from + kRangeBytes);
    auto part = client_.ask_with(
        {{"Range", "bytes=" + std::to_string(from) + "-" + std::to_string(to - 1)}}, "GET",
        at() + "/rows", "");
    if (!part) return std::unexpected(part.error());
    if (part->status != 206 || part->body.size() != to - from) {
      auto problem = parse_answer(part->body);
      if (!problem) return fail(Reason::malformed_json, "the exchange's answer");
      return std::unexpected(refusal_of(*problem));
    }
    if (auto written = (*file)->write_at(from, part->body); !written) return written;
    from = to;
    progress.show(from, bytes, from, "bytes");
  }
  if (auto synced = (*file)->sync(); !synced) return synced;
  crypto::Sha256 hash;
  std::string block;
  for (std::uint64_t from = 0; from < bytes; from += block.size()) {
    block.clear();
    if (auto read = (*file)->read_at(from, kRangeBytes, block); !read) return read;
    if (block.empty()) break;
    hash.update(block);
  }
  if (crypto::hex(hash.finish()) != said("sha256")) {
    auto gone = disk.remove(out_ + ".part");
    static_cast<void>(gone);
    return fail(Reason::seal_broken, "what came is not what the exchange made: run it again");
  }
  return disk.rename(out_ + ".part", out_);
}

Result<void> Fetching::run() {
  if (auto left = storage::read_file(out_ + ".extract", 64); left && left->size() == 33)
    id_ = left->substr(0, 32);
  if (id_.empty())
    if (auto asked = ask_anew(); !asked) return asked;
  auto view = settled();
  if (!view) return std::unexpected(view.error());
  if (said("state") != "ready") {
    auto gone = storage::system_disk().remove(out_ + ".extract");
    static_cast<void>(gone);
    if (said("reason").empty()) return fail(Reason::extract_gone, said("state"));
    return std::unexpected(refusal_of(*view));
  }
  auto manifest = text(at() + "/manifest");
  if (!manifest) return std::unexpected(manifest.error());
  if (auto kept = keep(".manifest", *manifest); !kept) return kept;
  if (auto fetched = fetch(); !fetched) return fetched;
  // The log publishes once a second: an extract of a moment ago may have no receipt yet.
  auto receipt = text(at() + "/receipt");
  for (int i = 0; i < 25 && !receipt; ++i) {
    std::this_thread::sleep_for(kPoll);
    receipt = text(at() + "/receipt");
  }
  if (receipt)
    if (auto kept = keep(".receipt", *receipt); !kept) return kept;
  if (auto wiped = ask("DELETE", at()); !wiped) return std::unexpected(wiped.error());
  return storage::system_disk().remove(out_ + ".extract");
}

std::string Fetching::told() const {
  if (call_.manner.json) {
    net::JsonWriter json;
    json.begin_object().key("extract").string(id_).key("file").string(out_);
    json.key("manifest").string(out_ + ".manifest").key("receipt").string(out_ + ".receipt");
    for (const char* name : {"citizens", "with_records", "rows", "bytes", "first_entry",
                             "export_entry"})
      json.key(name).number(counted(name));
    json.key("sha256").string(said("sha256")).end_object();
    return json.take() + "\n";
  }
  const std::uint64_t first = counted("first_entry"), closing = counted("export_entry");
  return grouped(counted("rows")) + " rows about " + grouped(counted("citizens")) +
         " citizens in " + out_ + "\nrecorded as entries " + std::to_string(first) + " to " +
         std::to_string(closing) + "; manifest in " + out_ + ".manifest\n";
}

}  // namespace

int run_extract(const Call& call, const Emit& emit) {
  auto client = client_of(call);
  if (!client) return complain(emit, call.manner, client.error());
  Fetching fetching(call, emit, *std::move(client));
  if (auto done = fetching.run(); !done) return complain(emit, call.manner, done.error());
  emit(1, fetching.told());
  return 0;
}

}  // namespace amanat::cli
