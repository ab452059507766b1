// amanat import, case import, enrol officers: departments' files, all with one report that adds up.

#include "cli/import.h"

#include <functional>

#include "cli/terminal.h"
#include "model/insist.h"
#include "net/json.h"

namespace amanat::cli {

std::string report_as_json(const registry::ImportReport& report) {
  insist(report.rows == report.accepted + report.repeated + report.blank + report.quarantined);
  net::JsonWriter json;
  json.begin_object().key("dataset").string(report.dataset).key("rows").number(report.rows);
  json.key("accepted").number(report.accepted).key("repeated").number(report.repeated);
  json.key("blank").number(report.blank).key("quarantined").number(report.quarantined);
  json.key("reasons").begin_object();
  for (const auto& [reason, count] : report.reasons) json.key(reason).number(count);
  json.end_object().end_object();
  return json.take();
}

std::string report_for_people(const registry::ImportReport& report) {
  std::string out = report.dataset + ": " + grouped(report.rows) + " rows\n";
  Columns table({Columns::Align::right, Columns::Align::left});
  table.add({grouped(report.accepted), "accepted"});
  if (report.repeated > 0) table.add({grouped(report.repeated), "repeated: known already, nothing changed"});
  if (report.blank > 0) table.add({grouped(report.blank), "blank"});
  for (const auto& [reason, count] : report.reasons) table.add({grouped(count), "quarantined: " + reason});
  out += table.render("  ");
  std::size_t shown = 0;
  for (const auto& one : report.first_quarantined) {
    if (++shown > 5) break;
    out += "  row " + grouped(one.row) + " (line " + grouped(one.line) + "): " + std::string(row_of(one.reason).id);
    if (!one.field.empty()) out += ", " + one.field;
    out += '\n';
  }
  if (report.quarantined > shown) out += "  ... and " + grouped(report.quarantined - shown) + " more\n";
  return out;
}

namespace {

using Take = std::function<Result<registry::ImportReport>(registry::ImportOptions)>;

int import_with(server::Exchange& exchange, const Call& call, const Emit& emit, const std::string& label,
                const Take& take) {
  registry::ImportReport report;
  {
    Progress progress(call.manner, emit, label);
    registry::ImportOptions options;
    options.progress = [&](std::uint64_t done, std::uint64_t total, std::uint64_t rows) {
      progress.show(done, total, rows, "rows");
    };
    auto taken = take(std::move(options));
    if (!taken) return complain(emit, call.manner, taken.error());
    report = *std::move(taken);
  }
  if (call.manner.json) {
    emit(1, report_as_json(report) + "\n");
    return 0;
  }
  std::string text = report_for_people(report);
  if (report.quarantined > 0) text += "  all of them: " + exchange.home().quarantine() + "\n";
  emit(1, text);
  return 0;
}

}  // namespace

int run_import(server::Exchange& exchange, const Call& call, const Emit& emit) {
  insist(call.words.size() == 2);
  const std::string &dataset = call.words[0], &file = call.words[1];
  if (exchange.catalog().dataset(dataset) == nullptr) {
    const auto names = exchange.catalog().dataset_names();
    const auto near = nearest_word(dataset, names);
    return complain(emit, call.manner,
                    Failure{Reason::unknown_dataset,
                            dataset + (near.empty() ? "" : "; did you mean " + std::string(near) + "?")});
  }
  return import_with(exchange, call, emit, dataset, [&](registry::ImportOptions options) {
    return exchange.import(dataset, file, std::move(options));
  });
}

int run_import_cases(server::Exchange& exchange, const Call& call, const Emit& emit) {
  return import_with(exchange, call, emit, "cases", [&](registry::ImportOptions options) {
    return exchange.import_cases(call.words[0], std::move(options));
  });
}

int run_enrol_officers(server::Exchange& exchange, const Call& call, const Emit& emit) {
  return import_with(exchange, call, emit, "officers", [&](registry::ImportOptions options) {
    return exchange.import_officers(call.words[0], std::move(options));
  });
}

}  // namespace amanat::cli
