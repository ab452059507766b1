#include "trace/found.h"

#include <algorithm>
#include <set>

#include "crypto/crypto.h"
#include "trace/cards.h"
#include "trace/gather.h"

namespace amanat::trace {
namespace {

using Place = std::pair<std::uint32_t, std::uint64_t>;  // cluster, number in it
constexpr std::size_t kPlacesMax = 4'000'000;
constexpr std::size_t kAboutMax = 8;
constexpr std::size_t kNarrowColumns = 3;

std::string undoubled(std::string_view cell) {
  std::string out;
  for (std::size_t i = 0; i < cell.size(); ++i) {
    out.push_back(cell[i]);
    if (cell[i] == '"' && i + 1 < cell.size() && cell[i + 1] == '"') ++i;
  }
  return out;
}

void take_cells(const LeakRow& row, const ClusterSummary& cluster, CardLine& out) {
  std::string_view text = row.text;
  if (cluster.format == Format::plain) {
    while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
    out.cells.emplace_back(text);
    return;
  }
  out.columns = true;
  std::vector<std::string_view> cells;
  if (cluster.format == Format::delimited) {
    split_cells(text, cluster.delimiter, Limits{}.cells_max, cells);
    for (const auto cell : cells) out.cells.push_back(undoubled(cell));
    return;
  }
  // The cells of structured formats stand one a line.
  if (text.ends_with('\n')) text.remove_suffix(1);
  split_cells(text, '\n', Limits{}.cells_max, cells);
  for (const auto cell : cells) out.cells.emplace_back(cell);
}

// Running text, and rows of a label and a value, of which most hold no number.
bool flows(const ClusterSummary& cluster) {
  if (cluster.format == Format::plain) return true;
  if (cluster.table == "text" &&
      (cluster.format == Format::html || cluster.format == Format::document))
    return true;
  return cluster.columns.size() <= kNarrowColumns &&
         cluster.rows_with_identifiers * 2 <= cluster.rows;
}

void take_about(const LeakRow& row, const ClusterSummary& cluster, CardLine& out) {
  for (const Kind kind : {Kind::national_id, Kind::msisdn})
    for (std::size_t i = 0; i < row.identifiers.size() && out.about.size() < kAboutMax; ++i) {
      const Identifier& id = row.identifiers[i];
      if (id.kind != kind || id.partial) continue;
      const std::uint16_t column = row.columns.empty() ? kNoColumn : row.columns[i];
      // A number that looks like a time in a column of times says nothing about anybody.
      const bool time_like = kind == Kind::national_id && id.layout == Layout::plain &&
                             id.digits[0] == '1' && column < cluster.columns.size() &&
                             cluster.columns[column].doubtful;
      if (time_like) continue;
      if (kind == Kind::national_id)
        out.about.push_back({SubjectKind::national_id, std::string(id.canonical())});
      else
        out.about.push_back({SubjectKind::msisdn, "+" + std::string(id.canonical())});
    }
}

// Each national ID of a row that matches nobody, alone and with each phone beside it.
void take_strays(const LeakRow& row, std::vector<Stray>& strays) {
  std::size_t pairs = 0;
  for (const Identifier& id : row.identifiers) {
    if (id.kind != Kind::national_id || id.partial) continue;
    Stray one{std::string(id.canonical()), {}, row.offset, row.length, row.cluster};
    strays.push_back(one);
    for (const Identifier& phone : row.identifiers) {
      if (phone.kind != Kind::msisdn || phone.partial || pairs == kAboutMax) continue;
      ++pairs;
      one.phone = std::string(phone.canonical());
      strays.push_back(one);
    }
  }
}

}  // namespace

Digest template_digest(const ClusterSummary& cluster) {
  std::string text = "amanat/template/v1";
  const auto add = [&text](std::string_view word) {
    text += '\0';
    text += std::to_string(word.size()) + ":";
    text += word;
  };
  add(word_of(cluster.format));
  add(std::string_view(&cluster.delimiter, 1));
  add(cluster.table);
  for (const auto& column : cluster.columns) add(column.heading);
  return crypto::sha256(text);
}

Result<FoundRows> find_rows(Trace& trace, const LeakBytes& file, const RunOptions& options) {
  FoundRows out;
  std::set<Place> places;
  RunOptions first = options;
  first.on_match = [&](const RowMatch& match) {
    if (options.on_match) options.on_match(match);
    places.emplace(match.row.cluster, match.row.number);
    // The first of the file are kept, in whatever order they are told of.
    if (places.size() > kPlacesMax) {
      places.erase(std::prev(places.end()));
      out.cut = true;
    }
  };
  auto outcome = trace.run_at(file.read, file.size, file.name, first);
  if (!outcome) return std::unexpected(outcome.error());
  out.outcome = *std::move(outcome);
  out.unknown =
      out.outcome.match.rows - std::min(out.outcome.match.rows, out.outcome.match.rows_matched);
  const Summary& read = out.outcome.read;
  for (std::size_t i = 0; i < read.clusters.size(); ++i)
    out.clusters.push_back({static_cast<std::uint32_t>(i), template_digest(read.clusters[i])});
  bool stray = out.unknown > 0 && out.unknown <= kStraysMax;
  if (places.empty() && !stray) return out;

  Cards cards([&](MatchedRow row) {
    if (row.about.empty()) return;
    if (out.rows.size() == kEvidenceRowsMax)
      out.cut = true;
    else
      out.rows.push_back(std::move(row));
  });
  ReadOptions again;
  again.limits = options.limits;
  again.stop = options.stop;
  again.on_row = [&](const LeakRow& row) {
    const ClusterSummary& cluster = read.clusters[row.cluster];
    const bool matched = places.contains({row.cluster, row.number});
    if (stray && !matched) take_strays(row, out.strays);
    if (out.strays.size() > kStraysMax) {
      stray = false;
      out.strays.clear();
    }
    CardLine line;
    line.offset = row.offset;
    line.length = row.length;
    line.cluster = row.cluster;
    line.matched = matched;
    take_cells(row, cluster, line);
    take_about(row, cluster, line);
    if (flows(cluster))
      cards.flowing(std::move(line));
    else
      cards.tabular(std::move(line));
  };
  auto summary = read_every_row_at(file.read, file.size, file.name, again);
  if (!summary) return std::unexpected(summary.error());
  cards.finish();
  if (summary->sha256 != read.sha256)
    return fail(Reason::file_failed, "the file changed while it was read");
  return out;
}

}  // namespace amanat::trace
