// Few against a plain vector, and holders against a map.

#include "detection/few.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "detection/holders.h"

namespace amanat::detection {
namespace {

TEST(Few, DoesWhatAVectorDoesInsideAndOutside) {
  std::mt19937_64 dice(21);
  SCOPED_TRACE("seed 21");
  Few<std::uint64_t, 4> few;
  std::vector<std::uint64_t> model;
  for (int step = 0; step < 5000; ++step) {
    switch (dice() % 6) {
      case 0:
        if (!model.empty()) {
          few.pop_back();
          model.pop_back();
        }
        break;
      case 1: {
        const std::uint64_t out = dice() % 50;
        EXPECT_EQ(erase_if(few, [out](std::uint64_t v) { return v == out; }),
                  std::erase_if(model, [out](std::uint64_t v) { return v == out; }));
        break;
      }
      case 2:
        if (dice() % 40 == 0) {
          few.clear();
          model.clear();
        }
        break;
      default:
        few.push_back(dice() % 50);
        model.push_back(few.back());
    }
    Few<std::uint64_t, 4> copied(few), moved;
    moved = std::move(copied);
    ASSERT_EQ(std::vector<std::uint64_t>(moved.begin(), moved.end()), model);
    ASSERT_EQ(copied.size(), 0u);
  }
}

struct Named {
  std::string key;
  int value = 0;
};

TEST(Holders, FindEveryKeyAgainEvenWhereHashesAreOne) {
  Holders<Named> holders;
  std::map<std::string, Named*> model;
  for (int i = 0; i < 2000; ++i) {
    const std::string key = "k" + std::to_string(i % 700);
    const std::uint64_t hash = i % 2 == 0 ? 7 : 7ull << 40 | static_cast<unsigned>(i % 700 % 9);
    Named& found = holders.find_or_make(key + (i % 2 == 0 ? "e" : "o"), hash,
                                        [] { return std::make_unique<Named>(); });
    const auto [at, fresh] = model.try_emplace(found.key, &found);
    ASSERT_EQ(at->second, &found) << "a holder never moves";
    ASSERT_EQ(found.value++ == 0, fresh);
  }
  std::size_t walked = 0;
  for (const Named& one : holders) walked += model.at(one.key) == &one ? 1 : 0;
  EXPECT_EQ(walked, model.size());
  EXPECT_EQ(holders.size(), model.size());
  EXPECT_EQ(holders.likely(12345), nullptr);
}

}  // namespace
}  // namespace amanat::detection
