#include "detection/parameters.h"

#include <array>
#include <charconv>
#include <vector>

#include "model/insist.h"
#include "net/toml.h"

namespace amanat::detection {
namespace {

constexpr std::array kRules = {
#define RULE(id, tier, en, ur) RuleRow{Rule::id, #id, Tier::tier, en, ur},
#include "detection/rules.def"
#undef RULE
};

constexpr std::array<std::string_view, 8> kTiers = {
    "report", "review", "silent", "friction", "hold", "close_class", "suspend_device", "suspend"};

struct Row {
  std::string_view rule, name, unit, words;
  double standard, least, greatest;
  double Parameters::*place;
};
constexpr std::array kRows = {
#define PARAMETER(rule, name, value, least, greatest, unit, words) \
  Row{#rule, #name, unit, words, value, least, greatest, &Parameters::name},
#include "detection/parameters.def"
#undef PARAMETER
};

// A value as the file may write it: an integer, or a decimal number in quotes.
bool read_number(const net::Toml& value, double& out) {
  if (const auto* integer = value.integer()) {
    out = static_cast<double>(*integer);
    return true;
  }
  const auto* text = value.string();
  if (text == nullptr || text->empty() || text->size() > 24) return false;
  const auto [end, error] =
      std::from_chars(text->data(), text->data() + text->size(), out, std::chars_format::fixed);
  return error == std::errc() && end == text->data() + text->size();
}

}  // namespace

const RuleRow& row_of(Rule rule) {
  insist(static_cast<std::size_t>(rule) < kRules.size());
  return kRules[static_cast<std::size_t>(rule)];
}
std::size_t rule_count() { return kRules.size(); }

bool rule_named(std::string_view id, Rule& rule) {
  for (const RuleRow& row : kRules) {
    if (row.id != id) continue;
    rule = row.rule;
    return true;
  }
  return false;
}

std::string_view word_of(Tier tier) {
  insist(static_cast<std::size_t>(tier) < kTiers.size());
  return kTiers[static_cast<std::size_t>(tier)];
}

bool tier_named(std::string_view word, Tier& tier) {
  for (std::size_t i = 0; i < kTiers.size(); ++i) {
    if (kTiers[i] != word) continue;
    tier = static_cast<Tier>(i);
    return true;
  }
  return false;
}

Parameters nothing_judged() {
  Parameters none;
  for (const Row& row : kRows)
    if (row.unit == "switch") none.*row.place = 0;
  return none;
}

Result<Parameters> read_parameters(std::string_view text, std::string_view file) {
  auto parsed = net::parse_toml(text, file);
  if (!parsed) return std::unexpected(parsed.error());
  const auto* table = parsed->table();
  insist(table != nullptr);
  Parameters parameters;
  const auto wrong = [&](std::uint32_t line, const std::string& what) {
    return fail(Reason::config_wrong, std::string(file) + ":" + std::to_string(line) + ": " + what);
  };
  for (const net::Toml::Member& member : *table) {
    const Row* found = nullptr;
    for (const Row& row : kRows)
      if (row.name == member.key) found = &row;
    if (found == nullptr) {
      std::vector<std::string> names;
      for (const Row& row : kRows) names.emplace_back(row.name);
      const std::string near(net::nearest_word(member.key, names));
      return wrong(member.value.line, "unknown parameter " + member.key +
                                          (near.empty() ? "" : ", did you mean " + near + "?"));
    }
    double value = 0;
    if (!read_number(member.value, value))
      return wrong(member.value.line, member.key + " is a number, like 3, or \"0.05\" in quotes");
    if (value < found->least || value > found->greatest)
      return wrong(member.value.line, member.key + " is from " + number_text(found->least) +
                                          " to " + number_text(found->greatest) + " " +
                                          std::string(found->unit));
    parameters.*found->place = value;
  }
  return parameters;
}

std::string write_parameters(const Parameters& parameters) {
  std::string out =
      "# What is usual. Every rule, and every number it is judged by (docs/detection.md).\n";
  std::string_view last;
  for (const Row& row : kRows) {
    if (row.rule != last) {
      last = row.rule;
      Rule rule{};
      out += "\n";
      if (rule_named(row.rule, rule)) {
        out.append("# ").append(row.rule).append(" (").append(word_of(row_of(rule).tier));
        out.append("): ").append(row_of(rule).english).append("\n");
      }
    }
    const std::string value = number_text(parameters.*row.place);
    const bool whole = value.find_first_not_of("-0123456789") == std::string::npos;
    out.append(row.name).append(" = ").append(whole ? value : "\"" + value + "\"");
    out.append("  # ").append(row.unit).append(": ").append(row.words).append("\n");
  }
  return out;
}

std::string number_text(double value) {
  char text[40];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  std::string out(text, static_cast<std::size_t>(end - text));
  // Fixed form where it is as exact: detection.toml has no exponents.
  char fixed[64];
  const auto fixed_end =
      std::to_chars(fixed, fixed + sizeof fixed, value, std::chars_format::fixed);
  if (fixed_end.ec == std::errc() && out.find('e') != std::string::npos)
    out.assign(fixed, static_cast<std::size_t>(fixed_end.ptr - fixed));
  return out;
}

}  // namespace amanat::detection
