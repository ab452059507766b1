// Feeds a fuzz target every file of its corpus and damaged copies of them, without a fuzzer: what
// was found once is tried in every test run, on any compiler. AMANAT_SEED repeats a run,
// AMANAT_REPLAYS says how many damaged copies of each file are made (2,000).

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

void feed(const std::string& bytes) {
  // A copy of its exact size: a read past its end is a read past an allocation.
  const std::vector<std::uint8_t> exact(bytes.begin(), bytes.end());
  LLVMFuzzerTestOneInput(exact.data(), exact.size());
}

std::string damaged(std::string bytes, std::mt19937_64& draw) {
  const std::uint64_t blows = 1 + draw() % 4;
  for (std::uint64_t i = 0; i < blows; ++i) {
    const std::size_t at = bytes.empty() ? 0 : draw() % bytes.size();
    switch (draw() % 5) {
      case 0:
        bytes.insert(at, 1, static_cast<char>(draw()));
        break;
      case 1:
        bytes.resize(at);
        break;
      case 2:
        bytes.insert(at, bytes.substr(at, draw() % 64));
        break;
      case 3:
        if (!bytes.empty()) bytes.erase(at, 1 + draw() % 8);
        break;
      default:
        if (!bytes.empty()) bytes[at] = static_cast<char>(bytes[at] ^ (1 << draw() % 8));
    }
  }
  return bytes;
}

std::uint64_t number_of(const char* variable, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text != nullptr ? std::strtoull(text, nullptr, 10) : otherwise;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const std::uint64_t seed = number_of("AMANAT_SEED", std::random_device{}());
  const std::uint64_t copies = number_of("AMANAT_REPLAYS", 2000);
  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  std::fflush(stdout);
  std::mt19937_64 draw(seed);
  std::size_t files = 0;
  feed({});
  for (const auto& file : std::filesystem::directory_iterator(argv[1])) {
    std::ifstream in(file.path(), std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    feed(bytes);
    for (std::uint64_t i = 0; i < copies; ++i) feed(damaged(bytes, draw));
    ++files;
  }
  // A target without a corpus would have tried nothing.
  if (files == 0) std::fprintf(stderr, "no corpus in %s\n", argv[1]);
  return files == 0 ? 1 : 0;
}
