// amanat probe: asks a department's own app what it should not answer. The command reads files,
// asks for consent and writes the report; src/probe does the asking.

#include <unistd.h>

#include <charconv>
#include <filesystem>
#include <iostream>
#include <optional>

#include "cli/commands.h"
#include "cli/embedded.h"
#include "cli/terminal.h"
#include "console/frame.h"
#include "probe/probe.h"
#include "storage/file.h"

namespace amanat::cli {
namespace {

constexpr std::size_t kDescriptionMost = 8 << 20;

// The embedded catalog is loaded as every catalog is: from a directory, which is gone afterwards.
Result<registry::Catalog> catalog_of(const Call& call) {
  if (call.has("catalog")) return registry::Catalog::load(call.option("catalog"));
  std::string name = (std::filesystem::temp_directory_path() / "amanat-probe-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) return fail(Reason::file_failed, "a temporary directory");
  Result<void> written;
  for (const auto& document : embedded_documents(kEmbeddedCatalog))
    if (written) written = storage::replace_file(storage::system_disk(), name + "/" + document.name, document.content, 0600);
  auto catalog = written ? registry::Catalog::load(name) : Result<registry::Catalog>(std::unexpected(written.error()));
  std::error_code ignored;
  std::filesystem::remove_all(name, ignored);
  return catalog;
}

Result<unsigned> number_of(const Call& call, std::string_view option, unsigned standard, unsigned most) {
  if (!call.has(option)) return standard;
  const std::string& text = call.option(option);
  unsigned n = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (error != std::errc{} || stop != text.data() + text.size() || n == 0 || n > most)
    return fail(Reason::usage_wrong, "--" + std::string(option) + " is a number from 1 to " + std::to_string(most));
  return n;
}

bool asks_on_terminal() { return ::isatty(0) == 1 && ::isatty(2) == 1; }

bool agreed(const Emit& emit, const std::string& question) {
  emit(2, question);
  std::string line;
  return std::getline(std::cin, line) && (line == "y" || line == "Y" || line == "yes" || line == "all");
}

Result<void> consent(const Call& call, const Emit& emit) {
  if (call.has("i-am-allowed")) return {};
  const std::string& url = call.words[1];
  if (asks_on_terminal() && agreed(emit, "Probing sends hundreds of odd requests to " + visible(url) +
                                             ".\nIs this app yours, or are you allowed in writing to probe it? [y/N] "))
    return {};
  return fail(Reason::usage_wrong, "probe only an app that is yours or that you may: say so with --i-am-allowed");
}

Result<std::optional<probe::Credential>> credential_of(const Call& call, std::string_view option) {
  if (!call.has(option)) return std::nullopt;
  auto made = probe::read_credential(call.option(option));
  if (!made) return std::unexpected(made.error());
  return *std::move(made);
}

Result<probe::Options> options_of(const Call& call, const registry::Catalog& catalog) {
  probe::Options options;
  auto description = storage::read_file(call.words[0], kDescriptionMost);
  if (!description) return std::unexpected(description.error());
  options.description = *std::move(description);
  options.url = call.words[1];
  options.catalog = &catalog;
  options.ca_file = call.option_or("ca", "");
  for (const auto& [name, into] : {std::pair<std::string_view, std::optional<probe::Credential>*>{"credential", &options.own},
                                   {"other", &options.other},
                                   {"expired", &options.expired}}) {
    auto read = credential_of(call, name);
    if (!read) return std::unexpected(read.error());
    *into = *std::move(read);
  }
  const auto rate = number_of(call, "rate", 20, 1000), seconds = number_of(call, "timeout", 10, 120);
  if (!rate) return std::unexpected(rate.error());
  if (!seconds) return std::unexpected(seconds.error());
  options.per_second = *rate;
  options.seconds_max = *seconds;
  options.journal_file = call.option_or("resume", "");
  options.writes = call.has("writes") ? probe::Writes::all : asks_on_terminal() ? probe::Writes::as_asked : probe::Writes::none;
  return options;
}

std::string for_people(const probe::Report& report, const Manner& manner) {
  std::string out;
  for (const auto& one : report.findings) {
    const auto& row = probe::row_of(one.kind);
    const Paint paint = row.weight == probe::Weight::high ? Paint::bad : Paint::strong;
    out += painted(manner, paint, manner.urdu ? row.urdu : row.english) + "\n  " + visible(one.method + " " + one.path) +
           "  " + std::to_string(one.status) + ", " + std::string(probe::words_of(one.difference, manner.urdu)) + "\n";
    std::string how;
    for (const auto& way : one.how) how += (how.empty() ? "by: " : ", ") + visible(way);
    out += wrapped(how, 96, "  ");
    std::string personal;
    for (const auto& p : one.personal)
      personal += (personal.empty() ? "personal data: " : ", ") + grouped(p.count) + " x " +
                  std::string(registry::personal_word(p.type)) + " like " + visible(p.shape);
    out += wrapped(personal, 96, "  ");
    out += wrapped(manner.urdu ? row.next_urdu : row.next_english, 96, "  ") + "\n";
  }
  std::size_t refused = 0, open = 0;
  for (const auto& visit : report.visits) {
    refused += visit.outcome == probe::Outcome::refused ? 1 : 0;
    open += visit.outcome == probe::Outcome::open ? 1 : 0;
  }
  out += painted(manner, report.findings.empty() ? Paint::good : Paint::bad,
                 report.findings.empty() ? "No hole found" : grouped(report.findings.size()) + " holes") +
         ": " + grouped(report.visits.size()) + " operations, " + grouped(refused) + " refuse strangers, " + grouped(open) +
         " are public; " + grouped(report.asked) + " requests.\n";
  for (const auto& note : report.notes) out += wrapped(visible(note), 96, "  ");
  return out;
}

}  // namespace

int run_probe(const Call& call, const Emit& emit) {
  // 1 says that there are holes; whatever kept the question from being asked is trouble.
  const auto failed = [&](const Failure& failure) {
    (void)complain(emit, call.manner, failure);
    return 2;
  };
  auto catalog = catalog_of(call);
  if (!catalog) return failed(catalog.error());
  auto options = options_of(call, *catalog);
  if (!options) return failed(options.error());
  if (const auto allowed = consent(call, emit); !allowed) return failed(allowed.error());

  std::optional<Progress> progress;
  progress.emplace(call.manner, emit, "asking");
  options->progress = [&](std::size_t done, std::size_t total, std::uint64_t asked) {
    progress->show(done, total, asked, "requests");
  };
  bool all = false;
  options->may_write = [&](std::string_view method, std::string_view path) {
    if (all) return true;
    emit(2, "\r\x1b[K" + std::string(method) + " " + visible(path) + " may write. Ask it, several times? [y/N/all] ");
    std::string line;
    if (!std::getline(std::cin, line)) return false;
    all = line == "all";
    return all || line == "y" || line == "Y" || line == "yes";
  };
  auto report = probe::run_probe(*options);
  progress.reset();  // the line is wiped before anything else is said
  if (!report) return failed(report.error());
  using probe::PageOptions;
  const auto font = console::asset("nastaliq.woff2");
  const PageOptions page{
      call.manner.urdu ? PageOptions::Language::urdu : PageOptions::Language::english,
      font ? font->content : std::string_view()};
  if (call.has("out"))
    if (const auto written = storage::replace_file(storage::system_disk(), call.option("out"),
                                                   probe::report_html(*report, page), 0600);
        !written)
      return failed(written.error());
  emit(1, call.manner.json ? probe::report_json(*report) + "\n" : for_people(*report, call.manner));
  return report->findings.empty() ? 0 : 1;
}

}  // namespace amanat::cli
