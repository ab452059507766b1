#include <gtest/gtest.h>

#include <set>

#include "registry/dataset.h"
#include "registry/test_archive.h"

namespace amanat::registry {
namespace {

const std::string kPersons =
    "CNIC,Name,Father CNIC,Mother CNIC,Spouse CNIC,Gender,Date of Birth,Present Address\n"
    "1111111111111,Dada,,,,M,1930-01-01,\"House 1, Lahore\"\n"
    "1111111111112,Abba,1111111111111,,1111111111113,M,1955-01-01,\"House 1, Lahore\"\n"
    "1111111111113,Ammi,,,1111111111112,F,1957-01-01,\"House 1, Lahore\"\n"
    "1111111111114,Self,1111111111112,1111111111113,1111111111116,M,1980-01-01,\"House 2, "
    "Lahore\"\n"
    "1111111111115,Sister,1111111111112,1111111111113,,F,1982-01-01,\"House 1, Lahore\"\n"
    "1111111111116,Wife,,,,F,1984-01-01,\"House 2, Lahore\"\n"
    "1111111111117,Child,1111111111114,1111111111116,,F,2005-01-01,\"House 2, Lahore\"\n"
    "1111111111118,Stranger,2222222222222,,,M,1970-01-01,\"House 9, Quetta\"\n";

void import_family(Exchange& exchange) {
  EXPECT_EQ(exchange.import_text("identity.persons", kPersons).accepted, 8U);
}

TEST(Fetch, ACitizenIsFoundByNationalIdInAnyForm) {
  Exchange exchange;
  exchange.import_departments();
  for (const char* form :
       {"3520281848771", "35202-8184877-1", " 35202-8184877-1 ", "۳۵۲۰۲۸۱۸۴۸۷۷۱"}) {
    SCOPED_TRACE(form);
    auto found = Asking(exchange, {"identity.persons.name", "identity.persons.date_of_birth",
                                   "hotels.stays.*"})
                     .subject("national_id", form)
                     .ask();
    ASSERT_TRUE(found);
    ASSERT_EQ(found->people.size(), 1U);
    const Person& p = found->people[0];
    EXPECT_TRUE(p.exists);
    EXPECT_EQ(p.name.value, "3520281848771");
    EXPECT_EQ(p.label, exchange.vault->label(p.name));
    EXPECT_EQ(p.records.at(0).source, "nadra");
    EXPECT_EQ(p.records.at(0).version, 1U);
    EXPECT_GT(number(p.records.at(0).date), 0U);
    const Told t = told(exchange, *found, 0);
    EXPECT_EQ(t.at("identity.persons").at(0),
              (std::map<std::string, std::string>{{"name", "KASHIF MEHMOOD"},
                                                  {"date_of_birth", "1954-06-02"}}));
  }
}

TEST(Fetch, OnlyWhatIsReleasedIsRead) {
  Exchange exchange;
  import_family(exchange);
  auto found = Asking(exchange, {"identity.persons.*"})
                   .level("identity.persons.*", Level::none, Standing::other)
                   .level("identity.persons.name", Level::exists, Standing::other)
                   .level("identity.persons.gender", Level::masked, Standing::other)
                   .level("identity.persons.father_id", Level::exists, Standing::other)
                   .level("identity.persons.spouse_id", Level::exists, Standing::other)
                   .subject("national_id", "1111111111115")
                   .ask();
  ASSERT_TRUE(found);
  const Told t = told(exchange, *found, 0);
  EXPECT_EQ(
      t.at("identity.persons").at(0),
      (std::map<std::string, std::string>{{"name", "*"}, {"gender", "F"}, {"father_id", "*"}}));
  EXPECT_EQ(found->text.view().find("Sister"), std::string_view::npos);
  auto none = Asking(exchange, {"identity.persons.*"})
                  .level("*", Level::none, Standing::other)
                  .subject("national_id", "1111111111115")
                  .ask();
  ASSERT_TRUE(none);
  ASSERT_EQ(none->people.size(), 1U);
  EXPECT_TRUE(none->people[0].exists);
  EXPECT_TRUE(none->people[0].records.empty());
  EXPECT_EQ(none->text.size(), 0U);
}

TEST(Fetch, ANameNoRegistryKnowsIsAPersonThatDoesNotExist) {
  Exchange exchange;
  import_family(exchange);
  // Named only by a child's record, or by nothing at all.
  for (const char* id : {"2222222222222", "3333333333333"}) {
    auto found = Asking(exchange, {"identity.persons.*"}).subject("national_id", id).ask();
    ASSERT_TRUE(found);
    ASSERT_EQ(found->people.size(), 1U);
    EXPECT_FALSE(found->people[0].exists);
    EXPECT_EQ(found->people[0].name.value, id);
    EXPECT_TRUE(found->people[0].records.empty());
  }
  // What was read in their place, to take the same time, is forgotten.
  auto missing = Asking(exchange, {"*"}).subject("national_id", "3333333333333").ask();
  ASSERT_TRUE(missing);
  EXPECT_EQ(missing->text.size(), 0U);
  auto number = Asking(exchange, {"telecom.calls.*"}).subject("msisdn", "03001112223").ask();
  ASSERT_TRUE(number);
  EXPECT_FALSE(number->people.at(0).exists);
  EXPECT_EQ(number->people[0].name, (SubjectName{SubjectKind::msisdn, "+923001112223"}));
  auto fir = Asking(exchange, {"police.firs.*"}).subject("fir", "7/99").ask();
  ASSERT_TRUE(fir);
  EXPECT_FALSE(fir->people.at(0).exists);
  EXPECT_EQ(fir->people[0].name.kind, SubjectKind::unidentified);
}

TEST(Fetch, FormsThatCannotBeAskedAreRefused) {
  Exchange exchange;
  const auto refusal = [&](Asking& asking) {
    auto found = asking.ask();
    EXPECT_FALSE(found);
    return found ? Reason::internal_error : found.error().reason;
  };
  const std::vector<std::string> any{"identity.persons.name"};
  EXPECT_EQ(refusal(Asking(exchange, any).subject("nationalid", "1111111111111")),
            Reason::unknown_subject_form);
  EXPECT_EQ(refusal(Asking(exchange, any).subject("station", "PS A")),
            Reason::unknown_subject_form);
  EXPECT_EQ(refusal(Asking(exchange, any).subject("national_id", "11111")),
            Reason::malformed_value);
  EXPECT_EQ(refusal(Asking(exchange, any).subject("national_id", "")), Reason::malformed_value);
  EXPECT_EQ(refusal(Asking(exchange, any).subject("msisdn", "hello")), Reason::malformed_value);
  EXPECT_EQ(refusal(Asking(exchange, any).subject("fir", "1/19").narrow("room", "4")),
            Reason::unknown_subject_form);
  EXPECT_EQ(
      refusal(Asking(exchange, any).subject("national_id", "1111111111111").narrow("station", "x")),
      Reason::unknown_subject_form);
  EXPECT_EQ(refusal(Asking(exchange, any).subject("msisdn", "03001112223").hops(1)),
            Reason::unknown_subject_form);
  EXPECT_EQ(refusal(Asking(exchange, any).subject("national_id", "1111111111111").hops(4)),
            Reason::malformed_value);
  EXPECT_EQ(refusal(Asking(exchange, any)
                        .subject("national_id", "1111111111111")
                        .window("2026-02-01", "2026-02-01")),
            Reason::malformed_value);
  auto near = Asking(exchange, any).subject("licens", "x").ask();
  ASSERT_FALSE(near);
  EXPECT_NE(near.error().detail.find("licence"), std::string::npos);
}

TEST(Fetch, AFamilyTreeGivesTheRootFirstAndThenByHops) {
  Exchange exchange;
  import_family(exchange);
  const auto tree = [&](unsigned hops, std::vector<std::string> follow) {
    Asking asking(exchange, {"identity.persons.name", "family.tree.*"});
    asking.follow = std::move(follow);
    auto found = asking.subject("national_id", "1111111111114").hops(hops).ask();
    EXPECT_TRUE(found);
    std::vector<std::string> out;
    for (std::size_t i = 0; found && i < found->people.size(); ++i) {
      const Told t = told(exchange, *found, i);
      std::string line = t.at("identity.persons").at(0).at("name");
      if (t.count("family.tree")) {
        const auto& kin = t.at("family.tree").at(0);
        line += " " + kin.at("relation") + " " + kin.at("hops") + " of " +
                kin.at("relative_of").substr(12);
      }
      out.push_back(line);
    }
    return out;
  };
  const std::vector<std::string> all{"father", "mother", "spouse", "child"};
  EXPECT_EQ(tree(1, all),
            (std::vector<std::string>{"Self", "Abba father 1 of 4", "Ammi mother 1 of 4",
                                      "Wife spouse 1 of 4", "Child child 1 of 4"}));
  EXPECT_EQ(tree(2, all),
            (std::vector<std::string>{"Self", "Abba father 1 of 4", "Ammi mother 1 of 4",
                                      "Wife spouse 1 of 4", "Child child 1 of 4",
                                      "Dada father 2 of 2", "Sister child 2 of 2"}));
  EXPECT_EQ(tree(3, {"father"}),
            (std::vector<std::string>{"Self", "Abba father 1 of 4", "Dada father 2 of 2"}));
  EXPECT_EQ(tree(3, {}), (std::vector<std::string>{"Self"}));
  // The wife's own record names nobody; she is found back from his.
  auto wife = Asking(exchange, {"identity.persons.name"})
                  .subject("national_id", "1111111111116")
                  .hops(1)
                  .ask();
  ASSERT_TRUE(wife);
  std::set<std::string> names;
  for (std::size_t i = 0; i < wife->people.size(); ++i)
    names.insert(told(exchange, *wife, i).at("identity.persons").at(0).at("name"));
  EXPECT_EQ(names, (std::set<std::string>{"Wife", "Self", "Child"}));
}

TEST(Fetch, StandingIsDecidedForEachCitizen) {
  Exchange exchange;
  import_family(exchange);
  Asking asking(exchange, {"identity.persons.name", "family.tree.relation"});
  asking.names_in_case({SubjectKind::national_id, "1111111111114"})
      .names_in_case({SubjectKind::national_id, "1111111111116"})
      .level("identity.persons.name", Level::none, Standing::kin)
      .subject("national_id", "1111111111114")
      .hops(1);
  auto found = asking.ask();
  ASSERT_TRUE(found);
  ASSERT_EQ(found->people.size(), 5U);
  EXPECT_EQ(found->people[0].standing, Standing::named);
  EXPECT_EQ(found->people[1].standing, Standing::kin);
  EXPECT_EQ(found->people[3].standing, Standing::named);  // the wife is in the case herself
  EXPECT_EQ(told(exchange, *found, 1).count("identity.persons"), 0U);
  EXPECT_EQ(told(exchange, *found, 1).at("family.tree").at(0).at("relation"), "father");
  EXPECT_EQ(told(exchange, *found, 3).at("identity.persons").at(0).at("name"), "Wife");
  // Kin of whom nothing is released are not in the answer; without a named root nobody is kin.
  auto bare = Asking(exchange, {"identity.persons.name"})
                  .level("*", Level::none, Standing::kin)
                  .names_in_case({SubjectKind::national_id, "1111111111114"})
                  .subject("national_id", "1111111111114")
                  .hops(1)
                  .ask();
  ASSERT_TRUE(bare);
  EXPECT_EQ(bare->people.size(), 1U);
  auto others = Asking(exchange, {"identity.persons.name"})
                    .subject("national_id", "1111111111114")
                    .hops(1)
                    .ask();
  ASSERT_TRUE(others);
  for (const auto& p : others->people) EXPECT_EQ(p.standing, Standing::other);
}

TEST(Fetch, MoreCitizensThanTheQuestionAllowsAreRefused) {
  Exchange exchange;
  import_family(exchange);
  Asking asking(exchange, {"identity.persons.name"});
  asking.subject("national_id", "1111111111114").hops(2);
  asking.question.max_subjects = 7;
  EXPECT_TRUE(asking.ask());
  asking.question.max_subjects = 6;
  auto found = asking.ask();
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().reason, Reason::too_many_subjects);
}

TEST(Fetch, AReportIsFoundByItsNumberAndNarrowedByItsStation) {
  Exchange exchange;
  exchange.import_departments();
  auto found = Asking(exchange, {"police.firs.*", "identity.persons.name"})
                   .subject("fir", "33/24")
                   .narrow("station", "ps hayatabad")
                   .ask();
  ASSERT_TRUE(found);
  ASSERT_EQ(found->people.size(), 2U);
  EXPECT_EQ(found->people[0].name.value, "1730104600537");
  EXPECT_EQ(found->people[1].name.value, "3740593606905");
  const Told t = told(exchange, *found, 0);
  ASSERT_EQ(t.at("police.firs").size(), 1U);  // this report alone, not their others
  EXPECT_EQ(t.at("police.firs")[0].at("accused_name"), "Ali Raza");
  EXPECT_EQ(t.at("police.firs")[0].at("accused_id"), "1730104600537");
  auto turned = Asking(exchange, {"police.firs.*"})
                    .subject("station", "PS Hayatabad")
                    .narrow("fir", "33/24")
                    .ask();
  ASSERT_TRUE(turned);
  EXPECT_EQ(turned->people.size(), 2U);
  auto elsewhere = Asking(exchange, {"police.firs.*"})
                       .subject("fir", "33/24")
                       .narrow("station", "PS Clifton")
                       .ask();
  ASSERT_TRUE(elsewhere);
  EXPECT_FALSE(elsewhere->people.at(0).exists);
  auto nothing = Asking(exchange, {"police.firs.*"})
                     .level("*", Level::none, Standing::other)
                     .subject("fir", "33/24")
                     .ask();
  ASSERT_TRUE(nothing);
  ASSERT_EQ(nothing->people.size(), 1U);
  EXPECT_TRUE(nothing->people[0].exists);
  EXPECT_TRUE(nothing->people[0].records.empty());
}

TEST(Fetch, GuestsOfAHotelAreThoseWhoWereThereInTheWindow) {
  Exchange exchange;
  EXPECT_EQ(
      exchange
          .import_text("hotels.stays",
                       "Licence,Hotel,City,Guest,CNIC/Passport,Room,Check In,Check Out\n"
                       "HL-1,H,Lahore,Early,1111111111111,1,2026-01-01 10:00,2026-01-03 10:00\n"
                       "HL-1,H,Lahore,Across,AB1234567,2,2026-01-02 10:00,2026-01-06 10:00\n"
                       "HL-1,H,Lahore,Still,1111111111112,3,2026-01-04 10:00,\n"
                       "HL-1,H,Lahore,Late,1111111111113,4,2026-01-09 10:00,2026-01-10 10:00\n"
                       "HL-2,H,Lahore,Other,1111111111114,4,2026-01-04 10:00,2026-01-10 10:00\n")
          .accepted,
      5U);
  const auto guests = [&](const std::string& from, const std::string& to) {
    auto found = Asking(exchange, {"hotels.stays.guest_name"})
                     .subject("licence", "hl-1")
                     .window(from, to)
                     .ask();
    EXPECT_TRUE(found);
    std::set<std::string> names;
    for (std::size_t i = 0; found && i < found->people.size(); ++i)
      if (found->people[i].exists)
        names.insert(told(exchange, *found, i).at("hotels.stays").at(0).at("guest_name"));
    return names;
  };
  using Names = std::set<std::string>;
  EXPECT_EQ(guests("2026-01-03T10:00:00", "2026-01-05"), (Names{"Across", "Still"}));
  EXPECT_EQ(guests("2026-01-03T09:59:59", "2026-01-04T10:00:00"), (Names{"Early", "Across"}));
  EXPECT_EQ(guests("2027-01-01", "2027-01-02"), (Names{"Still"}));
  EXPECT_EQ(guests("2025-01-01", "2025-01-02"), (Names{}));
  // The guest checks out: the same stay, its next version.
  exchange.import_text("hotels.stays",
                       "Licence,Hotel,City,Guest,CNIC/Passport,Room,Check In,Check Out\n"
                       "HL-1,H,Lahore,Still,1111111111112,3,2026-01-04 10:00,2026-01-07 09:00\n");
  EXPECT_EQ(guests("2027-01-01", "2027-01-02"), (Names{}));
  auto passport = Asking(exchange, {"hotels.stays.*"}).subject("passport", "ab1234567").ask();
  ASSERT_TRUE(passport);
  EXPECT_EQ(told(exchange, *passport, 0).at("hotels.stays").at(0).at("guest_id"), "AB1234567");
}

const std::string kSubscribers = "msisdn,cnic,operator,imsi,activated_on,status\n";
const std::string kCalls = "a_number,b_number,type,start_time,duration_s,cell\n";

void import_numbers(Exchange& exchange) {
  // Abba held the first number before Self did; nobody is known to hold the third.
  exchange.import_text("telecom.subscribers",
                       kSubscribers +
                           "03001111111,1111111111112,Jazz,410063053568001,2010-01-01,PORTED\n"
                           "+923001111111,1111111111114,Jazz,410063053568002,2020-01-01,BLOCKED\n"
                           "3002222222,1111111111115,Zong,410063053568003,01-02-2015,ACTIVE\n");
  exchange.import_text("telecom.calls", kCalls +
                                            "03001111111,3002222222,VOICE,20260101100000,60,c1\n"
                                            "03003333333,03001111111,SMS,20260102100000,0,c2\n"
                                            "03001111111,03001111111,VOICE,20260103100000,5,c3\n");
}

TEST(Fetch, ANumberLeadsToItsLatestHolderAndOnlyToThatNumber) {
  Exchange exchange;
  import_family(exchange);
  import_numbers(exchange);
  exchange.import_text(
      "telecom.subscribers",
      kSubscribers + "03009999999,1111111111114,Jazz,410063053568009,2021-01-01,ACTIVE\n");
  auto found = Asking(exchange, {"telecom.*", "identity.persons.name"})
                   .subject("msisdn", "0300-1111111")
                   .ask();
  ASSERT_TRUE(found);
  ASSERT_EQ(found->people.size(), 1U);
  EXPECT_EQ(found->people[0].name, (SubjectName{SubjectKind::national_id, "1111111111114"}));
  const Told t = told(exchange, *found, 0);
  EXPECT_EQ(t.at("identity.persons").at(0).at("name"), "Self");
  ASSERT_EQ(t.at("telecom.subscribers").size(), 1U);
  EXPECT_EQ(t.at("telecom.subscribers")[0].at("imsi"), "410063053568002");
  const auto& calls = t.at("telecom.calls");
  ASSERT_EQ(calls.size(), 4U);  // by time; a call to oneself has two sides
  EXPECT_EQ(calls[0].at("counterparty"), "+923002222222");
  EXPECT_EQ(calls[0].at("direction"), "out");
  EXPECT_EQ(calls[1].at("counterparty"), "+923003333333");
  EXPECT_EQ(calls[1].at("direction"), "in");
  EXPECT_EQ(calls[1].at("number"), "+923001111111");
  auto named = exchange.registry.subject_of_question(
      Asking(exchange, {"telecom.*"}).subject("msisdn", "03001111111").question);
  ASSERT_TRUE(named && *named);
  EXPECT_EQ((*named)->value, "1111111111114");
}

TEST(Fetch, ACitizenHasTheCallsOfTheNumbersTheyHoldNow) {
  Exchange exchange;
  import_family(exchange);
  import_numbers(exchange);
  const auto calls = [&](const std::string& id) {
    auto found = Asking(exchange, {"telecom.calls.*"}).subject("national_id", id).ask();
    EXPECT_TRUE(found);
    const Told t = told(exchange, *found, 0);
    return t.count("telecom.calls") ? t.at("telecom.calls").size() : 0;
  };
  EXPECT_EQ(calls("1111111111114"), 4U);
  EXPECT_EQ(calls("1111111111115"), 1U);
  EXPECT_EQ(calls("1111111111112"), 0U);
  auto window = Asking(exchange, {"telecom.calls.kind"})
                    .subject("national_id", "1111111111114")
                    .window("2026-01-02", "2026-01-03")
                    .ask();
  ASSERT_TRUE(window);
  EXPECT_EQ(told(exchange, *window, 0).at("telecom.calls"),
            (std::vector<std::map<std::string, std::string>>{{{"kind", "SMS"}}}));
  auto unheld = Asking(exchange, {"telecom.calls.*"}).subject("msisdn", "03003333333").ask();
  ASSERT_TRUE(unheld);
  EXPECT_TRUE(unheld->people.at(0).exists);
  EXPECT_EQ(unheld->people[0].name.kind, SubjectKind::msisdn);
  EXPECT_EQ(told(exchange, *unheld, 0).at("telecom.calls").size(), 1U);
}

TEST(Fetch, ARecordMovedToAnotherPlaceDoesNotOpen) {
  Exchange exchange;
  import_family(exchange);
  auto numbers = Numbers::load(exchange.catalog, *exchange.store);
  ASSERT_TRUE(numbers);
  const std::uint16_t persons = numbers->of(exchange.catalog.dataset("identity.persons")->id);
  std::vector<std::pair<std::string, std::string>> records;
  ASSERT_TRUE(exchange.store->scan(storage::Table::records, {}, {},
                                   [&](std::string_view k, std::string_view v) {
                                     if (decode_record_key(k)->dataset == persons)
                                       records.emplace_back(k, v);
                                     return true;
                                   }));
  ASSERT_EQ(records.size(), 8U);
  storage::Batch batch;
  batch.put(storage::Table::records, records[0].first, records[1].second);
  batch.put(storage::Table::records, records[1].first, records[0].second);
  ASSERT_TRUE(exchange.store->write(batch, storage::Durability::synced));
  std::size_t broken = 0;
  for (int i = 1; i <= 8; ++i) {
    auto found = Asking(exchange, {"identity.persons.name"})
                     .subject("national_id", "111111111111" + std::to_string(i))
                     .ask();
    if (!found) {
      EXPECT_EQ(found.error().reason, Reason::seal_broken);
      ++broken;
    }
  }
  EXPECT_EQ(broken, 2U);
}

}  // namespace
}  // namespace amanat::registry
