// What the store and the vault cost by themselves, one thread, on the disk under $TMPDIR.
//   storage_bench [records]     default 300,000: records of 300 bytes with three index rows each
// Prints part lines (bench/README.md); files are removed.

#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "crypto/crypto.h"
#include "storage/storage.h"
#include "vault/vault.h"

namespace {

using namespace amanat;
using storage::Table;

constexpr std::size_t kBatchRows = 16'384, kSample = 5'000;

[[noreturn]] void trouble(const Failure& failure) {
  std::fprintf(stderr, "storage_bench: %s: %s\n", std::string(row_of(failure.reason).id).c_str(),
               failure.detail.c_str());
  std::exit(2);
}
template <class T>
T must(Result<T> result) {
  if (!result) trouble(result.error());
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

double microseconds(clockid_t clock) {
  timespec t{};
  clock_gettime(clock, &t);
  return static_cast<double>(t.tv_sec) * 1e6 + static_cast<double>(t.tv_nsec) * 1e-3;
}

/// each calls `one` `n` times and prints microseconds a call: of this thread's CPU, or of the wall
/// clock where the disk is what is waited for.
template <class One>
void each(const char* name, std::size_t n, const char* what, One one,
          clockid_t clock = CLOCK_THREAD_CPUTIME_ID) {
  const double begin = microseconds(clock);
  for (std::size_t i = 0; i < n; ++i) one(i);
  const double us = microseconds(clock) - begin;
  std::printf("part\t%s\t%.2f\tus%s\t%s\n", name, us / static_cast<double>(n),
              clock == CLOCK_THREAD_CPUTIME_ID ? " CPU" : "", what);
}

std::string noise(std::mt19937_64& random, std::size_t size) {
  std::string out(size + sizeof(std::uint64_t), '\0');
  for (std::size_t at = 0; at < size; at += sizeof(std::uint64_t)) {
    const std::uint64_t bits = random();
    std::memcpy(out.data() + at, &bits, sizeof bits);
  }
  out.resize(size);
  return out;
}

void measure_store(const std::string& directory, std::size_t records) {
  auto store = must(storage::open_rocks(directory, {}));
  std::mt19937_64 random(1);
  const std::string value = noise(random, 300);
  std::vector<std::string> sample;
  storage::Batch batch;
  std::string out;
  each("store_import_row", records,
       "a record read (absent), written with three index rows, in batches", [&](std::size_t i) {
         const std::string key = noise(random, 26);
         (void)must(store->get(Table::records, key, out));
         batch.put(Table::records, key, value);
         for (int row = 0; row < 3; ++row) batch.put(Table::index, noise(random, 42), "");
         if (i % (records / kSample + 1) == 0) sample.push_back(key);
         if (batch.size() < kBatchRows) return;
         must(store->write(batch, storage::Durability::buffered));
         batch.clear();
       });
  must(store->write(batch, storage::Durability::synced));
  must(store->purge(Table::records, ""));  // compacted, as a store is that has stood for a while
  for (const std::string& key : sample) (void)must(store->get(Table::records, key, out));
  each("store_get", kSample * 20, "a point read, warm", [&](std::size_t i) {
    out.clear();
    if (!must(store->get(Table::records, sample[i % sample.size()], out))) std::exit(1);
  });
  each("store_get_absent", kSample * 20, "a point read of a key that is not there",
       [&](std::size_t) { (void)must(store->get(Table::records, noise(random, 26), out)); });
  each("store_scan", kSample * 10, "a scan that finds one record, warm", [&](std::size_t i) {
    must(store->scan(Table::records, std::string_view(sample[i % sample.size()]).substr(0, 10), "",
                     [](auto, auto) { return true; }));
  });
  each(
      "store_synced_write", 500, "a synced write of one row",
      [&](std::size_t i) {
        storage::Batch one;
        one.put(Table::spent, "key " + std::to_string(i), "value");
        must(store->write(one, storage::Durability::synced));
      },
      CLOCK_MONOTONIC);
}

void measure_vault(const std::string& directory, std::size_t slots) {
  auto made = must(vault::Vault::create(storage::system_disk(), directory));
  each("vault_make_slot", slots, "a citizen's key made and wrapped, synced every 4096",
       [&](std::size_t i) {
         (void)must(made->make_slot());
         if (i % 4'096 == 4'095) must(made->sync_slots());
       });
  must(made->sync_slots());
  made.reset();
  auto vault = must(vault::Vault::open(storage::system_disk(), directory));
  const std::size_t read = std::min<std::size_t>(slots, 200'000);
  const auto key_of = [&](std::size_t i) { (void)must(vault->key_of(vault::Slot{1 + i % read})); };
  each("vault_key_first", read, "a citizen's key read and unwrapped", key_of);
  each("vault_key_again", read, "the same again, remembered", key_of);
  const auto at = now();
  const auto slice = [&](std::size_t i) {
    (void)must(vault->slice_for(crypto::sha256(std::to_string(i % 3'000)), at));
  };
  slice(0);
  each("vault_slice", 300'000, "a slice of one of 3,000 citizens", slice);
  each("vault_index_tag", 300'000, "a blind index tag", [&](std::size_t) {
    (void)vault->index_tag("identity.persons.national_id", "0000000000000");
  });
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t records = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 300'000;
  if (records == 0) return 2;
  const std::string directory = (std::filesystem::temp_directory_path() / "storage-bench").string();
  std::filesystem::remove_all(directory);
  measure_store(directory + "/store", records);
  measure_vault(directory + "/keys", records);
  std::filesystem::remove_all(directory);
  return 0;
}
