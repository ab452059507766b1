#include "vault/labels.h"

#include <algorithm>
#include <cstring>

#include "crypto/crypto.h"
#include "model/insist.h"

namespace amanat::vault {
namespace {

std::string_view text_of(const Tag& tag) {
  return {reinterpret_cast<const char*>(tag.data()), tag.size()};
}

}  // namespace

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

void Labels::keep_in(storage::Store& store) {
  insist(store_ == nullptr);
  store_ = &store;
}

Label Labels::make(const SubjectName& name) const {
  const crypto::VrfOutput beta = key_.output(crypto::bytes_of(alpha(name)));
  Label label;
  std::copy_n(beta.begin(), label.size(), label.begin());
  return label;
}

std::optional<Label> Labels::kept(const Tag& tag) const {
  if (store_ == nullptr) return std::nullopt;
  std::string sealed;
  const auto there = store_->get(storage::Table::labels, text_of(tag), sealed);
  if (!there || !*there) return std::nullopt;
  WipingBuffer plain;
  Label label;
  if (!crypto::open(seal_, tag, crypto::bytes_of(sealed), plain)) return std::nullopt;
  if (plain.view().size() != label.size()) return std::nullopt;
  std::memcpy(label.data(), plain.view().data(), label.size());
  return label;
}

void Labels::keep(const Tag& tag, const Label& label) const {
  if (store_ == nullptr) return;
  std::string sealed;
  crypto::seal(seal_, tag, label, sealed);
  storage::Batch batch;
  batch.put(storage::Table::labels, text_of(tag), sealed);
  // Lost, it costs its making once more.
  (void)store_->write(batch, storage::Durability::buffered);
}

Label Labels::of(const SubjectName& name, const Tag& tag) const {
  const Shard& shard = shards_[tag[0] % kShards];
  {
    const std::shared_lock lock(shard.mutex);
    if (const auto it = shard.known.find(tag); it != shard.known.end()) return it->second;
  }
  std::optional<Label> found = kept(tag);
  const bool made = !found;
  const Label label = made ? make(name) : *found;
  if (made) keep(tag, label);
  const std::unique_lock lock(shard.mutex);
  if (shard.known.size() >= kShardMax) shard.known.clear();
  shard.known.emplace(tag, label);
  return label;
}

std::optional<Label> Labels::known(const Tag& tag) const {
  const Shard& shard = shards_[tag[0] % kShards];
  {
    const std::shared_lock lock(shard.mutex);
    if (const auto it = shard.known.find(tag); it != shard.known.end()) return it->second;
  }
  return kept(tag);
}

crypto::VrfProof Labels::proof(const SubjectName& name) const {
  return key_.prove(crypto::bytes_of(alpha(name)));
}

}  // namespace amanat::vault
