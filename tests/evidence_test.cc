// An officer's touch, shown to an outsider: exported, and verified with public values alone.

#include "evidence.h"

#include <gtest/gtest.h>

#include "passkeys.h"

namespace amanat::test {
namespace {

TEST(Evidence, ATouchConvincesAnOutsider) {
  PasskeyWorld w;
  const OpenCase open = w.world.open_cases("fir").at(0);
  Officer officer = w.officer(open.officer);
  const auto reply =
      officer.page.ask(officer.first, World::question(R"("national_id":")" + open.citizen + '"',
                                                      R"("identity.persons.name")",
                                                      "crime-investigation", open.ref));
  ASSERT_TRUE(reply);
  ASSERT_EQ(reply->status, 200u) << reply->body;
  shown_to_an_outsider(w.world, 4, "question.bin");
}

}  // namespace
}  // namespace amanat::test
