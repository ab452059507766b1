#include "cli/families.h"

#include <algorithm>

#include "cli/country_words.h"
#include "model/insist.h"

namespace amanat::cli {
namespace {

constexpr std::int32_t kYear = 365;

class Matchmaker {
 public:
  Matchmaker(std::uint32_t size, std::int32_t today, Chance& chance) : size_(size), today_(today), chance_(chance) {
    block_.citizens.reserve(size);
  }

  Block make() {
    while (left() > 0)
      if (left() < 2) {
        grow_alone();
      } else if (auto couple = next_couple(); couple.first != kNobody) {
        marry(couple.first, couple.second);
      } else {
        found();
      }
    insist(block_.citizens.size() == size_);
    return std::move(block_);
  }

 private:
  std::uint32_t left() const { return size_ - static_cast<std::uint32_t>(block_.citizens.size()); }
  Citizen& at(std::int32_t i) { return block_.citizens[static_cast<std::size_t>(i)]; }
  std::int32_t last() const { return static_cast<std::int32_t>(block_.citizens.size()) - 1; }

  std::uint32_t new_household() {
    block_.households.push_back({static_cast<std::uint32_t>(chance_.in(1, 900)),
                                 static_cast<std::uint32_t>(chance_.in(1, 60)), chance_.below(5)});
    return static_cast<std::uint32_t>(block_.households.size()) - 1;
  }

  std::uint16_t given(bool male) {
    const auto names = male ? male_names() : female_names();
    return static_cast<std::uint16_t>(chance_.below(static_cast<std::uint32_t>(names.size())));
  }
  std::uint16_t surname() { return static_cast<std::uint16_t>(chance_.below(static_cast<std::uint32_t>(surnames().size()))); }

  Citizen somebody(bool male, std::int32_t born, std::uint32_t household) {
    Citizen c;
    c.male = male;
    c.born = born;
    c.household = household;
    c.given = given(male);
    c.fathers_given = given(true);
    c.surname = c.fathers_surname = surname();
    return c;
  }

  void grow_alone() {
    block_.citizens.push_back(
        somebody(chance_.below(2) == 0, today_ - chance_.in(19 * kYear, 80 * kYear), new_household()));
  }

  // The first generation: parents of these are in no register.
  void found() {
    const std::int32_t born = today_ - chance_.in(58 * kYear, 88 * kYear);
    const std::uint32_t home = new_household();
    block_.citizens.push_back(somebody(true, born, home));
    block_.citizens.push_back(somebody(false, born + chance_.in(-2 * kYear, 8 * kYear), home));
    join(last() - 1, last());
  }

  void marry(std::int32_t husband, std::int32_t wife) {
    const std::uint32_t home = new_household();
    at(husband).household = at(wife).household = home;
    join(husband, wife);
  }

  void join(std::int32_t husband, std::int32_t wife) {
    insist(at(husband).male && !at(wife).male);
    at(husband).spouse = wife;
    at(wife).spouse = husband;
    children(husband, wife);
  }

  void children(std::int32_t husband, std::int32_t wife) {
    std::int32_t born = at(wife).born + chance_.in(19 * kYear, 28 * kYear);
    const std::int32_t latest = std::min(today_ - 30, at(wife).born + 44 * kYear);
    for (unsigned n = chance_.below(7); n > 0 && left() > 0 && born < latest; --n) {
      Citizen c = somebody(chance_.below(2) == 0, born, at(husband).household);
      c.father = husband;
      c.mother = wife;
      c.fathers_given = at(husband).given;
      c.surname = c.fathers_surname = at(husband).surname;
      block_.citizens.push_back(c);
      if (today_ - born > 22 * kYear && chance_.happens(8'000)) (c.male ? men_ : women_).push_back(last());
      born += chance_.in(kYear, 4 * kYear);
    }
  }

  // A man and a woman of different families and about one age; kNobody if there are too few.
  std::pair<std::int32_t, std::int32_t> next_couple() {
    if (men_.size() < 8 || women_.size() < 8) return {kNobody, kNobody};
    const auto m = chance_.below(static_cast<std::uint32_t>(men_.size()));
    for (int attempt = 0; attempt < 12; ++attempt) {
      const auto w = chance_.below(static_cast<std::uint32_t>(women_.size()));
      const std::int32_t man = men_[m], woman = women_[w];
      const std::int32_t apart = at(woman).born - at(man).born;
      if (at(man).father == at(woman).father || apart < -3 * kYear || apart > 9 * kYear) continue;
      men_[m] = men_.back();
      men_.pop_back();
      women_[w] = women_.back();
      women_.pop_back();
      return {man, woman};
    }
    men_[m] = men_.back();   // nobody fits him: he stays single
    men_.pop_back();
    return {kNobody, kNobody};
  }

  std::uint32_t size_;
  std::int32_t today_;
  Chance& chance_;
  Block block_;
  std::vector<std::int32_t> men_, women_;   // of age and free
};

}  // namespace

Block make_block(std::uint32_t size, std::int32_t today, Chance& chance) {
  insist(size > 0);
  return Matchmaker(size, today, chance).make();
}

}  // namespace amanat::cli
