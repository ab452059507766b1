// The family tree, walked breadth first over the links that records declare and back over the
// blind index. Reads only what it needs of each record: whom it names.

#include <algorithm>
#include <set>

#include "model/insist.h"
#include "registry/fetch.h"
#include "registry/normalise.h"

namespace amanat::registry {
namespace {

constexpr std::size_t kChildrenMax = 500;  // more of one parent is a fault in the register

struct Edge {
  SubjectName to;
  std::string relation;
  FoundRecord record;
};

SubjectKind kind_of(FieldType type) {
  return type == FieldType::passport ? SubjectKind::passport : SubjectKind::national_id;
}

bool listed(const std::vector<std::string>& words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

FoundRecord origin(const Dataset& dataset, const OpenRecord& record) {
  FoundRecord out;
  out.source = dataset.department;
  out.date = record.taken_in;
  out.version = record.version;
  out.record = record.key.record;
  return out;
}

/// Walk collects the edges of one person.
class Walk {
 public:
  Walk(const Archive& archive, const std::vector<std::string>& links,
       const std::vector<std::string>& follow)
      : archive_(archive), links_(links), follow_(follow) {}

  Result<std::vector<Edge>> edges_of(const SubjectName& person) {
    edges_.clear();
    for (const auto& dataset : archive_.catalog.datasets()) {
      if (!dataset.one) continue;
      if (auto ok = forward(dataset, person); !ok) return std::unexpected(ok.error());
      for (std::size_t f = 0; f < dataset.fields.size(); ++f) {
        const Field& field = dataset.fields[f];
        if (field.reverse.empty() || !listed(links_, field.link) || !listed(follow_, field.reverse))
          continue;
        if (auto ok = backward(dataset, field, person); !ok) return std::unexpected(ok.error());
      }
    }
    return std::move(edges_);
  }

 private:
  /// forward reads whom the person's own record names.
  Result<void> forward(const Dataset& dataset, const SubjectName& person) {
    auto row = find_subject(archive_.store, archive_.vault.tag(person));
    if (!row) return std::unexpected(row.error());
    if (!*row) return {};
    std::string key;
    append_folded(person.value, key);
    key.push_back('\x1f');
    auto record = open_record(archive_, RecordKey{archive_.numbers.of(dataset.id), (*row)->slot,
                                                  archive_.vault.record_tag(dataset.name, key)});
    if (!record) return std::unexpected(record.error());
    if (!*record) return {};
    auto reader = RecordReader::over((*record)->plain.view());
    if (!reader) return std::unexpected(reader.error());
    RecordReader::Value value;
    WipingBuffer text;
    for (;;) {
      auto more = reader->next(value);
      if (!more) return std::unexpected(more.error());
      if (!*more) return {};
      const auto f = archive_.numbers.field_of(dataset.id, value.field);
      if (!f || !value.linked) continue;
      const Field& field = dataset.fields[*f];
      if (!listed(links_, field.link) || !listed(follow_, field.link)) continue;
      auto named = link_value(archive_.vault, (*record)->name, (*record)->version, value, text);
      if (!named) return std::unexpected(named.error());
      if (named->empty()) continue;
      edges_.push_back({SubjectName{kind_of(field.type), std::string(*named)}, field.link,
                        origin(dataset, **record)});
    }
  }

  /// backward reads whose records name the person.
  Result<void> backward(const Dataset& dataset, const Field& field, const SubjectName& person) {
    auto keys = postings(archive_, archive_.vault.index_tag(field.id, person.value), kChildrenMax);
    if (!keys) return std::unexpected(keys.error());
    std::vector<Edge> found;
    for (const auto& key : *keys) {
      auto record = open_record(archive_, key);
      if (!record) return std::unexpected(record.error());
      if (!*record) continue;
      auto reader = RecordReader::over((*record)->plain.view());
      if (!reader) return std::unexpected(reader.error());
      found.push_back({SubjectName{reader->kind(), std::string(reader->subject())}, field.reverse,
                       origin(dataset, **record)});
    }
    // Postings come in the order of keyed tags; people are told in the order of their names.
    std::sort(found.begin(), found.end(), [](const Edge& a, const Edge& b) { return a.to < b.to; });
    std::move(found.begin(), found.end(), std::back_inserter(edges_));
    return {};
  }

  const Archive& archive_;
  const std::vector<std::string>& links_;
  const std::vector<std::string>& follow_;
  std::vector<Edge> edges_;
};

}  // namespace

Result<std::vector<Relative>> family(const Archive& archive, const SubjectName& root, unsigned hops,
                                     const std::vector<std::string>& follow, std::size_t most) {
  insist(hops <= 3);
  std::vector<Relative> out;
  out.push_back(Relative{.name = root, .hops = 0, .relation = {}, .of = {}, .edge = {}});
  const auto& datasets = archive.catalog.datasets();
  const auto tree =
      std::find_if(datasets.begin(), datasets.end(), [](const Dataset& d) { return d.tree; });
  if (tree == datasets.end()) return out;
  Walk walk(archive, tree->tree_links, follow);
  std::set<SubjectName> seen{root};
  for (std::size_t at = 0; at < out.size() && out[at].hops < hops; ++at) {
    const SubjectName person = out[at].name;
    const auto next = static_cast<std::uint8_t>(out[at].hops + 1);
    auto edges = walk.edges_of(person);
    if (!edges) return std::unexpected(edges.error());
    for (auto& edge : *edges) {
      if (!seen.insert(edge.to).second) continue;
      if (out.size() >= most) return fail(Reason::too_many_subjects, "ask for fewer hops");
      edge.record.dataset = tree->id;
      out.push_back(Relative{std::move(edge.to), next, std::move(edge.relation), person,
                             std::move(edge.record)});
    }
  }
  return out;
}

}  // namespace amanat::registry
