#include "vault/labels.h"

#include <algorithm>
#include <cstring>

namespace amanat::vault {

std::size_t Labels::TagHash::operator()(const Tag& t) const {
  std::size_t h;
  std::memcpy(&h, t.data() + 8, sizeof h);  // a tag is keyed and uniform already
  return h;
}

std::string Labels::alpha(const SubjectName& name) {
  switch (name.kind) {
    case SubjectKind::national_id:
      return name.value;
    case SubjectKind::msisdn:
      return "msisdn:" + name.value;
    case SubjectKind::passport:
      return "passport:" + name.value;
    case SubjectKind::unidentified:
      return "unidentified:" + name.value;
  }
  return {};
}

Label Labels::of(const SubjectName& name, const Tag& tag) const {
  const Shard& shard = shards_[tag[0] % kShards];
  {
    const std::shared_lock lock(shard.mutex);
    if (const auto it = shard.known.find(tag); it != shard.known.end()) return it->second;
  }
  const crypto::VrfOutput beta = key_.output(crypto::bytes_of(alpha(name)));
  Label label;
  std::copy_n(beta.begin(), label.size(), label.begin());
  const std::unique_lock lock(shard.mutex);
  if (shard.known.size() >= kShardMax) shard.known.clear();
  shard.known.emplace(tag, label);
  return label;
}

}  // namespace amanat::vault
