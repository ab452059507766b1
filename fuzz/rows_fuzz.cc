// What the rows of a leak say of one citizen: the file is read, its lines put together into cards,
// and every cell held against true values, dates, names and looks of coins. It ends, comes out in the
// one spelling of an extraction, and repeats itself.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "disclosure/slots.h"
#include "model/insist.h"
#include "trace/cards.h"
#include "trace/decoys.h"
#include "trace/found.h"
#include "trace/gather.h"
#include "trace/observe.h"

using namespace amanat;
using namespace amanat::trace;

namespace {

constexpr std::string_view kCatalogue =
    "amanat-slots v1\nversion 1\nname 1 i.persons\nname 2 i.persons.name\nname 3 i.persons.born\n"
    "name 4 i.persons.home\nname 5 i.persons.phone\n"
    "slot 1 0 withheld even - 2,3\nslot 1 1 date even - 3\nslot 4 0 house 3,1 - -\n"
    "slot 5 0 number even - -\n";

const disclosure::SlotCatalogue& slots() {
  static const disclosure::SlotCatalogue read = [] {
    auto parsed = disclosure::SlotCatalogue::parse(kCatalogue);
    insist(parsed.has_value());
    return *std::move(parsed);
  }();
  return read;
}

const AllFacts& facts() {
  static const AllFacts all = [] {
    Facts one;
    one.subject[0] = 1;
    for (const std::uint32_t version : {1u, 2u})
      one.records.push_back({"i.persons",
                             Tag{7},
                             version,
                             {{"i.persons.born", "1974-04-06"},
                              {"i.persons.home", "House 12, Street " + std::to_string(version) +
                                                     ", Ichhra, Lahore"},
                              {"i.persons.name", "Muhammad Ali Khan"},
                              {"i.persons.phone", "+923001234567"}}});
    Disclosed d;
    d.entry = 5;
    d.account = AccountId{3};
    d.fields = {"i.persons.born", "i.persons.home", "i.persons.name", "i.persons.phone"};
    d.shown = {{Tag{7}, 1}};
    d.marks.emplace();
    d.marks->kind = disclosure::MarksRecord::Kind::coins;
    d.marks->epoch = 416;
    d.marks->optional = {2, 3};
    one.disclosed.push_back(std::move(d));
    AllFacts out;
    out.emplace(one.subject, std::move(one));
    return out;
  }();
  return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  std::vector<FoundRow> rows;
  Cards cards([&](MatchedRow row) {
    insist(row.cells.size() <= 4096);
    rows.push_back({row.offset, row.length, row.cluster, facts().begin()->first,
                    std::move(row.cells), row.columns});
  });
  ReadOptions options;
  options.limits.unpacked_bytes_max = 1u << 18;
  options.limits.row_bytes_max = 1u << 12;
  options.limits.cells_max = 64;
  options.limits.templates_max = 8;
  std::size_t lines = 0;
  options.on_row = [&](const LeakRow& row) {
    if (++lines > 200) return;
    CardLine line;
    line.cluster = row.cluster;
    line.offset = row.offset;
    line.length = row.length;
    line.columns = row.number % 2 == 0;
    std::vector<std::string_view> cells;
    split_cells(row.text, line.columns ? ',' : '\0', 64, cells);
    for (const auto cell : cells) line.cells.emplace_back(cell);
    line.matched = true;
    if (!row.identifiers.empty() || row.number % 5 == 0)
      line.about.push_back({SubjectKind::national_id, "3520212345671"});
    line.columns ? cards.tabular(std::move(line)) : cards.flowing(std::move(line));
  };
  const net::ReadAt read = [&bytes](std::uint64_t offset, std::size_t n,
                                    std::string& out) -> Result<void> {
    if (offset > bytes.size() || n > bytes.size() - offset) return fail(Reason::file_failed);
    out = bytes.substr(static_cast<std::size_t>(offset), n);
    return {};
  };
  if (!read_every_row_at(read, bytes.size(), "find", options)) return 0;
  cards.finish();
  Find find;
  find.day = "2026-11-20";
  LogPlace log;
  log.origin = "exchange.test/one";
  log.covered = log.tree_size = 10;
  Exposed exposed;
  const auto seen = observe(find, rows, facts(), slots(), log, &exposed);
  if (!seen) return 0;
  insist(exposed.size() == in_order(rows).size());
  const std::string text = write_extraction(*seen);
  const auto back = parse_extraction(text);
  insist(back && write_extraction(*back) == text);
  const auto again = observe(find, rows, facts(), slots(), log);
  insist(again && write_extraction(*again) == text);
  static_cast<void>(numbers_of(bytes));
  return 0;
}
