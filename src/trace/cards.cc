#include "trace/cards.h"

#include <algorithm>

#include "trace/identifiers.h"

namespace amanat::trace {
namespace {

// So many lines at most before a number, and after it.
constexpr std::size_t kLinesMax = 12;
constexpr std::size_t kLineBytesMax = 4 * 1024;  // a longer one is of no card
constexpr std::size_t kLabelBytesMax = 40;

bool figure(char c) { return c >= '0' && c <= '9'; }

std::string lower(std::string_view text) {
  std::string out;
  for (const char c : text) out += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return out;
}

// "Name: Ali", "*Name* Ali", "[Name] => Ali", "Name | Ali": what comes first, if it is words.
std::string label_of(const CardLine& line) {
  std::string_view text = line.cells.empty() ? std::string_view() : line.cells.front();
  if (line.cells.size() > 1) return text.size() <= kLabelBytesMax ? lower(text) : std::string();
  const std::size_t begin = text.find_first_not_of(" \t*[-\"'{,_");
  if (begin == text.npos) return {};
  text.remove_prefix(begin);
  const std::size_t end = text.find_first_of(":=]*\"'");
  if (end == text.npos || end == 0 || end > kLabelBytesMax) return {};
  const std::string_view label = text.substr(0, end);
  if (std::ranges::any_of(label, figure)) return {};
  return lower(label);
}

std::size_t number_in(const CardLine& line) {
  std::vector<Identifier> found;
  for (std::size_t c = 0; c < line.cells.size(); ++c) {
    found.clear();
    find_identifiers(line.cells[c], found);
    if (std::ranges::any_of(found,
                            [](const Identifier& id) { return id.kind == Kind::national_id; }))
      return c;
  }
  return line.cells.size();
}

bool has_national_id(const CardLine& line) {
  return std::ranges::any_of(
      line.about, [](const SubjectName& n) { return n.kind == SubjectKind::national_id; });
}

}  // namespace

bool begins_message(std::string_view line) {
  // WhatsApp puts a direction mark first.
  while (line.starts_with("\u200E") || line.starts_with("\u200F")) line.remove_prefix(3);
  if (line.starts_with('[')) line.remove_prefix(1);
  std::size_t i = 0, figures = 0, marks = 0;
  for (; i < line.size() && i < 10; ++i) {
    if (figure(line[i]))
      ++figures;
    else if (line[i] == '/' || line[i] == '.' || line[i] == '-')
      ++marks;
    else
      break;
  }
  if (figures < 4 || marks != 2) return false;
  while (i < line.size() && (line[i] == ',' || line[i] == ' ' || line[i] == 'T')) ++i;
  std::size_t hour = 0;
  while (i < line.size() && figure(line[i]) && hour < 3) ++i, ++hour;
  return hour >= 1 && hour <= 2 && i + 2 < line.size() && line[i] == ':' && figure(line[i + 1]) &&
         figure(line[i + 2]);
}

void Cards::join(Card& card, CardLine line) {
  for (auto& name : line.about) {
    auto& names = name.kind == SubjectKind::national_id ? card.ids : card.numbers;
    if (std::ranges::find(names, name) == names.end()) names.push_back(std::move(name));
  }
  card.strong = !card.ids.empty();
  card.matched = card.matched || line.matched;
  if (auto label = label_of(line); !label.empty()) card.labels.insert(std::move(label));
  card.lines.push_back(std::move(line));
}

void Cards::emit_card(const Card& card) {
  if (!card.matched) return;
  MatchedRow row;
  const CardLine &first = card.lines.front(), &last = card.lines.back();
  row.offset = first.offset;
  row.length = last.offset + last.length - first.offset;
  row.cluster = first.cluster;
  row.about = card.ids;
  row.about.insert(row.about.end(), card.numbers.begin(), card.numbers.end());
  if (card.lines.size() == 1) {
    row.columns = first.columns;
    row.cells = first.cells;
  } else {
    for (const CardLine& line : card.lines) {
      std::string text;
      for (const std::string& cell : line.cells) text += (text.empty() ? "" : "; ") + cell;
      row.cells.push_back(std::move(text));
    }
  }
  emit_(std::move(row));
}

void Cards::close(Flow& flow) {
  if (flow.open) emit_card(*flow.open);
  flow.open.reset();
}

void Cards::boundary(Flow& flow) {
  close(flow);
  flow.before.clear();
  flow.block = 0;
}

void Cards::begin_card(Flow& flow, CardLine line) {
  // Numbers that come before the ID are of the same card, unless it has a number of this kind.
  if (flow.open && !flow.open->strong && has_national_id(line) &&
      !flow.open->labels.contains(label_of(line))) {
    join(*flow.open, std::move(line));
    flow.open->lines_after = 0;
    flow.before.clear();
    return;
  }
  // Where the first card began with its number, the others do.
  const bool first = !flow.any;
  if (first) flow.head_first = !flow.before.empty();
  flow.any = true;
  close(flow);
  Card card;
  if (flow.head_first)
    for (CardLine& before : flow.before) join(card, std::move(before));
  flow.before.clear();
  card.ids.clear(), card.numbers.clear(), card.matched = false;
  join(card, std::move(line));
  flow.open = std::move(card);
}

void Cards::follow(Flow& flow, CardLine line) {
  if (flow.open) {
    // "Name:" once more: the next card's.
    const std::string label = label_of(line);
    const bool next = !label.empty() && flow.open->labels.contains(label);
    if (next || flow.open->lines_after == kLinesMax) {
      close(flow);
      flow.before.clear();
    } else if (line.length <= kLineBytesMax) {
      ++flow.open->lines_after;
      join(*flow.open, line);
    }
  }
  if (line.length > kLineBytesMax) return;
  line.about.clear();
  flow.before.push_back(std::move(line));
  if (flow.before.size() > kLinesMax) flow.before.erase(flow.before.begin());
}

void Cards::flowing(CardLine line) {
  Flow& flow = flows_[line.cluster];
  // A blank line parts cards, unless each line has one.
  if (flow.end != 0 && line.offset > flow.end) {
    if (flow.block >= 2) boundary(flow);
    flow.block = 0;
  }
  if (!line.cells.empty() && begins_message(line.cells.front())) boundary(flow);
  ++flow.block;
  flow.end = line.offset + line.length;
  const bool number_of_open = flow.open && flow.open->strong && !has_national_id(line);
  if (line.about.empty() || number_of_open)
    follow(flow, std::move(line));
  else
    begin_card(flow, std::move(line));
}

void Cards::tabular(CardLine line) {
  Table& table = tables_[line.cluster];
  const bool own = !line.about.empty();
  if (own) {
    table.about = line.about;
    table.matched = line.matched;
    table.column = number_in(line);
  } else {
    const bool follows = !table.about.empty() && table.column < line.cells.size() &&
                         line.cells[table.column].find_first_not_of(" \t\r\n") == std::string::npos;
    if (!follows) {
      table.about.clear();
      return;
    }
  }
  if (own ? !line.matched : !table.matched) return;
  MatchedRow row;
  row.offset = line.offset;
  row.length = line.length;
  row.cluster = line.cluster;
  row.cells = std::move(line.cells);
  row.columns = line.columns;
  row.about = own ? std::move(line.about) : table.about;
  emit_(std::move(row));
}

void Cards::finish() {
  for (auto& [cluster, flow] : flows_) close(flow);
  flows_.clear();
  tables_.clear();
}

}  // namespace amanat::trace
