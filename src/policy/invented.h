#pragma once
// policy, invented: policies drawn from a seed, as TOML text, for tests and benches. Every table,
// key and need of the form occurs, so that whoever reads them has read all of it.

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "model/field.h"
#include "policy/tables.h"

namespace amanat::policy::invented {

/// Sizes says how large the policy is to be.
struct Sizes {
  unsigned fields = 24, roles = 6, purposes = 4, grants = 10, forbids = 4, quotas = 3;
};

/// field_table makes fields of several datasets, with chains of 0 to 3 masks.
inline FieldTable field_table(unsigned n) {
  const std::vector<std::string> chain = {"last2", "last4", "city"};
  std::vector<FieldInfo> fields;
  std::vector<std::string> datasets;
  for (unsigned i = 0; i < n; ++i) {
    const unsigned dataset = i / 8;
    if (dataset == datasets.size())
      datasets.push_back("reg" + std::to_string(dataset % 3) + ".set" + std::to_string(dataset));
    FieldInfo f;
    f.name = "f" + std::to_string(i);
    f.id = datasets[dataset] + "." + f.name;
    f.dataset = DatasetId{static_cast<std::uint16_t>(dataset)};
    f.sensitivity = static_cast<Sensitivity>(i % 4);
    f.masks.assign(chain.begin(), chain.begin() + i % 4);
    fields.push_back(std::move(f));
  }
  return FieldTable(std::move(fields), std::move(datasets));
}

/// Draw draws from one seed.
class Draw {
 public:
  explicit Draw(std::uint64_t seed) : engine_(seed) {}
  unsigned below(unsigned n) { return n < 2 ? 0 : static_cast<unsigned>(engine_() % n); }
  bool one_in(unsigned n) { return below(n) == 0; }
  const std::string& of(const std::vector<std::string>& words) {
    return words[below(static_cast<unsigned>(words.size()))];
  }

 private:
  std::mt19937_64 engine_;
};

inline const std::vector<std::string>& departments() {
  static const std::vector<std::string> names = {"police", "fia", "excise"};
  return names;
}
inline const std::vector<std::string>& units() {
  static const std::vector<std::string> names = {"Unit Lahore", "Unit Multan", "Unit Quetta"};
  return names;
}
inline const std::vector<std::string>& kinds() {
  static const std::vector<std::string> names = {"fir", "complaint", "inquest"};
  return names;
}

/// role_names and purpose_names are those of every invented policy of these sizes; every third role
/// belongs to one department.
inline std::vector<std::string> role_names(const Sizes& sizes) {
  std::vector<std::string> names;
  for (unsigned i = 0; i < sizes.roles; ++i)
    names.push_back((i % 3 == 2 ? departments()[i / 3 % 3] + "." : "") + "role" +
                    std::to_string(i % 3 == 2 ? i - 1 : i));
  return names;
}
inline std::vector<std::string> purpose_names(const Sizes& sizes) {
  std::vector<std::string> names;
  for (unsigned i = 0; i < sizes.purposes; ++i) names.push_back("purpose" + std::to_string(i));
  return names;
}

class Writer {
 public:
  Writer(const Sizes& sizes, std::uint64_t seed, const FieldTable& fields)
      : sizes_(sizes),
        draw_(seed),
        fields_(fields),
        roles_(role_names(sizes)),
        purposes_(purpose_names(sizes)) {}

  std::string text() {
    for (std::size_t i = 0; i < roles_.size(); ++i) {
      out_ += "[[role]]\nid = \"" + roles_[i] + "\"\nsays = \"Role " + roles_[i] + "\"\n";
      if (i > 0 && draw_.one_in(3)) list("over", {roles_[i - 1]});
    }
    if (draw_.one_in(2))
      out_ += "[[department]]\nid = \"police\"\nsays = \"Police\"\nofficers = \"certificate\"\n";
    for (unsigned i = 0; i < sizes_.purposes; ++i) {
      out_ += "[[purpose]]\nid = \"" + purposes_[i] + "\"\nsays = \"purpose\"\nlaw = \"law\"\n";
      // The first purpose knows every kind, so that any kind may be named.
      if (i == 0)
        list("cases", kinds());
      else if (!draw_.one_in(4))
        some("cases", kinds(), 2);
    }
    for (unsigned i = 0; i < sizes_.quotas; ++i)
      out_ += "[[quota]]\nid = \"q" + std::to_string(i) +
              "\"\ndistinct_subjects = [{ per = \"officer\", n = " + std::to_string(10 + i) +
              ", window = \"7d\" }, { per = \"case\", n = 25 }]\n";
    for (unsigned i = 0; i < sizes_.grants; ++i) grant(i);
    for (unsigned i = 0; i < sizes_.forbids; ++i) forbid(i);
    return std::move(out_);
  }

 private:
  void list(const std::string& key, const std::vector<std::string>& words) {
    out_ += key + " = [";
    for (const auto& word : words) out_ += "\"" + word + "\", ";
    out_ += "]\n";
  }
  void some(const std::string& key, const std::vector<std::string>& from, unsigned at_most) {
    std::vector<std::string> words;
    const unsigned n = 1 + draw_.below(at_most);
    for (unsigned i = 0; i < n; ++i) words.push_back(draw_.of(from));
    list(key, words);
  }
  const FieldInfo& any_field() {
    return fields_[FieldId{
        static_cast<std::uint16_t>(draw_.below(static_cast<unsigned>(fields_.size())))}];
  }
  // fields writes the fields and, for one of them that has a chain, sometimes a mask.
  void fields(bool always_below_full) {
    std::vector<std::string> words;
    const FieldInfo& masked = any_field();
    words.push_back(masked.id);
    for (unsigned i = draw_.below(4); i-- > 0;)
      words.push_back(draw_.one_in(4) ? fields_.dataset_name(any_field().dataset) + ".*"
                                      : any_field().id);
    list("fields", words);
    const std::vector<std::string> levels =
        always_below_full ? std::vector<std::string>{"none", "none", "exists", "masked"}
                          : std::vector<std::string>{"full", "full", "masked", "exists"};
    out_ += "level = \"" + draw_.of(levels) + "\"\n";
    if (!masked.masks.empty() && draw_.one_in(2))
      out_ += "mask = { \"" + masked.id + "\" = \"" + draw_.of(masked.masks) + "\" }\n";
  }
  void grant(unsigned i) {
    out_ += "[[grant]]\nid = \"G" + std::to_string(i) + "\"\nsays = \"Grant " + std::to_string(i) +
            "\"\n";
    some("roles", roles_, 2);
    some("purposes", purposes_, 2);
    if (draw_.one_in(4)) some("departments", departments(), 2);
    if (draw_.one_in(5)) some("units", units(), 2);
    fields(false);
    if (draw_.one_in(3)) list("follow", {"father"});
    if (!draw_.one_in(5))
      out_ += "quota = \"q" + std::to_string(draw_.below(sizes_.quotas)) + "\"\n";
    std::string needs;
    const auto add = [&](const std::string& need) { needs += (needs.empty() ? "" : ", ") + need; };
    if (draw_.one_in(3)) add("case = [\"" + draw_.of(kinds()) + "\"]");
    if (draw_.one_in(3)) add("case_open = true");
    if (draw_.one_in(3)) {
      add("subject_in_case = true");
      if (draw_.one_in(2)) add("kin = true");
    }
    if (draw_.one_in(3)) add("officer_assigned = true");
    if (draw_.one_in(6)) add("own_unit = true");
    if (draw_.one_in(8)) add("court_order = true");
    if (draw_.one_in(10)) add("consent = true");
    if (draw_.one_in(10)) add("break_glass = true");
    if (draw_.one_in(6))
      add(std::string("evidence = \"") + (draw_.one_in(2) ? "signature" : "touch") + "\"");
    if (draw_.one_in(6)) {
      add("approvals = " + std::to_string(1 + draw_.below(2)));
      if (draw_.one_in(2)) add("approver = \"" + draw_.of(approver_words()) + "\"");
    }
    if (draw_.one_in(8))
      add(std::string("uv_max_age = \"") + (draw_.one_in(2) ? "5m" : "15m") + "\"");
    if (draw_.one_in(8)) add("hours = \"08-20+05\"");
    if (!needs.empty()) out_ += "needs = { " + needs + " }\n";
  }
  void forbid(unsigned i) {
    out_ += "[[forbid]]\nid = \"F" + std::to_string(i) + "\"\nsays = \"Forbid " +
            std::to_string(i) + "\"\n";
    if (draw_.one_in(2)) some("roles", roles_, 2);
    if (draw_.one_in(2)) some("purposes", purposes_, 2);
    if (draw_.one_in(4)) some("departments", departments(), 1);
    if (draw_.one_in(4)) some("units", units(), 1);
    fields(true);
    std::string when;
    const auto add = [&](const std::string& what) { when += (when.empty() ? "" : ", ") + what; };
    if (draw_.one_in(3)) add("case = [\"" + draw_.of(kinds()) + "\"]");
    if (draw_.one_in(3))
      add(std::string("subject = [\"") + (draw_.one_in(2) ? "kin\", \"other" : "other") + "\"]");
    if (draw_.one_in(4)) add(std::string("case_open = ") + (draw_.one_in(2) ? "true" : "false"));
    if (draw_.one_in(4))
      add(std::string("officer_assigned = ") + (draw_.one_in(2) ? "true" : "false"));
    if (draw_.one_in(6)) add("hours = \"22-06+05\"");
    if (!when.empty()) out_ += "when = { " + when + " }\n";
    if (draw_.one_in(3)) some("subjects", class_words(), 3);
    if (draw_.one_in(5)) {
      out_ += "except = [\"break_glass\"]\n";
    } else if (draw_.one_in(3)) {
      out_ += "[forbid.except]\n";
      some("purposes", purposes_, 1);
      if (draw_.one_in(2)) some("departments", departments(), 1);
      if (draw_.one_in(3)) out_ += "break_glass = true\n";
    }
  }

  Sizes sizes_;
  Draw draw_;
  const FieldTable& fields_;
  std::vector<std::string> roles_, purposes_;
  std::string out_;
};

/// policy_text writes a policy of these sizes; the same seed, the same text.
inline std::string policy_text(const Sizes& sizes, std::uint64_t seed, const FieldTable& fields) {
  return Writer(sizes, seed, fields).text();
}

}  // namespace amanat::policy::invented
