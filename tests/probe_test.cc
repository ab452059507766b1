// probe against an app written for it: correct, with each hole alone, with all of them.

#include <gtest/gtest.h>
#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "probe_desk.h"

namespace amanat::test {
namespace {

Holes planted(const Resource& resource) {
  return {resource.kind + " " + resource.method + " " + resource.path()};
}

TEST(Probe, FindsNothingInACorrectApp) {
  ServedApp app;
  const auto report = probed(options_for(app.url(), SampleApp::description()));
  EXPECT_EQ(listed(holes_of(report)), "");
  std::size_t refused = 0, open = 0;
  for (const auto& visit : report.visits) {
    refused += visit.outcome == probe::Outcome::refused ? 1 : 0;
    open += visit.outcome == probe::Outcome::open ? 1 : 0;
  }
  EXPECT_EQ(open, 2u);
  EXPECT_EQ(refused, report.visits.size() - 2);
  EXPECT_GT(report.asked, 1000u);
}

TEST(Probe, FindsEachPlantedHoleAloneAndNothingElse) {
  std::set<std::string> kinds;
  for (const auto& resource : resources()) {
    SCOPED_TRACE(resource.hole);
    ServedApp app({resource.hole});
    const auto report =
        probed(options_for(app.url(), SampleApp::description({resource.name, "offices"})));
    EXPECT_EQ(listed(holes_of(report)), listed(planted(resource)));
    kinds.insert(resource.kind);
  }
  EXPECT_GE(kinds.size(), 20u);
}

TEST(Probe, FindsAllPlantedHolesTogetherAndNothingElse) {
  std::set<std::string> all = {"neighbours"};
  Holes expected;
  for (const auto& resource : resources()) {
    all.insert(resource.hole);
    expected.merge(planted(resource));
  }
  for (const auto& path : open_neighbours()) expected.insert("neighbour GET " + path);
  ServedApp app(all);
  const auto report = probed(options_for(app.url(), SampleApp::description()));
  EXPECT_EQ(listed(holes_of(report)), listed(expected));
}

TEST(Probe, FindsPersonalDataOverPlainHttp) {
  SampleApp app;
  PlainApp plain([&app](const Request& request) { return app.answer(request); });
  const auto report = probed(options_for(plain.url(), SampleApp::description({"licences"})));
  EXPECT_EQ(listed(holes_of(report)), "\n  plain-http GET /v1/licences/{national_id}");
}

// The exchange's own server hands HEAD on as GET, so a plain one plays the app that checks GET
// alone.
TEST(Probe, FindsAHeadThatIsNotChecked) {
  SampleApp app;
  PlainApp plain([&app](const Request& request) {
    if (request.method != "HEAD" || !request.path.starts_with("/v1/arms/"))
      return app.answer(request);
    return json(200, "{}");
  });
  const auto report = probed(options_for(plain.url(), SampleApp::description({"arms"})));
  EXPECT_EQ(
      listed(holes_of(report)),
      "\n  method-variant GET /v1/arms/{national_id}\n  plain-http GET /v1/arms/{national_id}");
  for (const auto& one : report.findings)
    if (one.kind == probe::Kind::method_variant) {
      EXPECT_EQ(one.how, std::vector<std::string>{"HEAD"});
    }
}

TEST(Probe, WithoutACredentialItStillFindsWhatAnswersStrangers) {
  ServedApp app({"open", "trailing-slash", "options"});
  auto options =
      options_for(app.url(), SampleApp::description({"pensions", "grants", "deaths", "taxes"}));
  options.own = options.other = options.expired = std::nullopt;
  const auto report = probed(options);
  EXPECT_EQ(listed(holes_of(report)), "\n  no-credential GET /v1/pensions");
}

TEST(Probe, AsksNothingThatWritesUnlessItIsTold) {
  ServedApp app({"open-post"});
  auto options = options_for(app.url(), SampleApp::description({"mutations", "claims"}));
  options.writes = probe::Writes::none;
  const auto report = probed(options);
  EXPECT_EQ(listed(holes_of(report)), "");
  EXPECT_EQ(std::count_if(report.visits.begin(), report.visits.end(),
                          [](const auto& v) { return v.outcome == probe::Outcome::not_asked; }),
            2);
  for (const auto& line : app.app().seen())
    EXPECT_TRUE(line.starts_with("GET ") || line.starts_with("HEAD ") ||
                line.starts_with("OPTIONS ") || line.starts_with("PROPFIND "))
        << line;

  options.writes = probe::Writes::as_asked;
  std::vector<std::string> wished;
  options.may_write = [&](std::string_view method, std::string_view path) {
    wished.push_back(std::string(method) + " " + std::string(path));
    return path == "/v1/mutations";
  };
  const auto second = probed(options);
  EXPECT_EQ(wished, (std::vector<std::string>{"POST /v1/mutations", "POST /v1/claims"}));
  EXPECT_EQ(listed(holes_of(second)), "\n  verb-unprotected POST /v1/mutations");
  for (const auto& line : app.app().seen())
    EXPECT_FALSE(line.starts_with("POST /v1/claims")) << line;
}

// A second server listens; nothing of what points to it may make a single connection.
TEST(Probe, SendsToTheAddressGivenAndToNoOther) {
  PlainApp elsewhere([](const Request&) { return json(200, "{}"); });
  const std::string there = elsewhere.url();
  std::atomic<unsigned> redirected{0};
  PlainApp app([&](const Request& request) {
    if (request.path == "/v1/moved") {
      ++redirected;
      Response made = json(307, "{}");
      made.headers.emplace_back("Location", there + "/v1/moved");
      made.headers.emplace_back("Refresh", "0;url=" + there);
      return made;
    }
    return problem(401, "sign in");
  });
  auto options = options_for(
      app.url(), R"({"openapi":"3.1.0","info":{"title":"t","version":"1"},"servers":[{"url":")" +
                     there + R"("}],"paths":{)" + R"("/v1/moved":{"servers":[{"url":")" + there +
                     R"("}],"get":{"responses":{}}},)" + R"("/v1/outside":{"$ref":")" + there +
                     R"(/paths.json#/a"},)" + R"("/v1/schema":{"get":{"parameters":[{"$ref":")" +
                     there + R"(/p.json"}],"responses":{"200":{"$ref":")" + there +
                     R"(/r.json"}}}}}})");
  const auto report = probed(options);
  EXPECT_EQ(listed(holes_of(report)), "");
  EXPECT_GT(redirected, 10u);
  EXPECT_EQ(elsewhere.connections(), 0u);
}

TEST(Probe, ARunCutShortGoesOnWhereItEnded) {
  ServedApp app({"open", "not-owner"});
  Desk desk;
  auto options =
      options_for(app.url(), SampleApp::description({"pensions", "domiciles", "loans", "taxes"}));
  const auto whole = probed(options);
  options.journal_file = desk.path("journal");
  const auto first = probed(options);
  EXPECT_EQ(first.resumed, 0u);
  // Cut in the middle of the line of the third operation.
  const std::string text = content(options.journal_file);
  std::size_t at = 0;
  for (int lines = 0; lines < 3; ++lines) at = text.find('\n', at) + 1;
  desk.file("journal", text.substr(0, at + 40));
  const auto before = app.app().asked();
  const auto second = probed(options);
  EXPECT_EQ(second.resumed, 2u);
  EXPECT_EQ(holes_of(second), holes_of(whole));
  EXPECT_EQ(second.visits.size(), whole.visits.size());
  EXPECT_LT(app.app().asked() - before, whole.asked);
  const auto third = probed(options);
  EXPECT_EQ(third.resumed, third.visits.size());
  EXPECT_EQ(holes_of(third), holes_of(whole));

  options.url += "/other";
  const auto other = probe::run_probe(options);
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().reason, Reason::usage_wrong);
}

TEST(Probe, AReportHoldsNoValueThatCameBack) {
  std::set<std::string> all = {"neighbours"};
  for (const auto& resource : resources()) all.insert(resource.hole);
  ServedApp app(all);
  Desk desk;
  auto options = options_for(app.url(), SampleApp::description());
  options.journal_file = desk.path("journal");
  const auto report = probed(options);
  const std::string said =
      probe::report_json(report) + probe::report_html(report, {}) + content(options.journal_file);
  for (const auto* user : {&first_user(), &second_user()})
    for (const std::string& value : {user->national_id, user->name, user->phone,
                                     SampleApp::token(*user), user->phone.substr(4)})
      EXPECT_EQ(said.find(value), std::string::npos) << value;
  for (const std::string value :
       {"42101-6045926-3", "4210160459263", "Zubair", "7654321", "c0ffee", "Citizen Number"})
    EXPECT_EQ(said.find(value), std::string::npos) << value;
  EXPECT_NE(said.find("00000-0000000-0"), std::string::npos);
  EXPECT_NE(said.find("\"count\":600"), std::string::npos);
}

TEST(Probe, AnAppThatIsNotThereIsTroubleAndNotACleanReport) {
  std::string url;
  {
    PlainApp gone([](const Request&) { return json(200, "{}"); });
    url = gone.url();
  }
  const auto report = probe::run_probe(options_for(url, SampleApp::description({"taxes"})));
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().reason, Reason::peer_unreachable);
}

TEST(Probe, AnUntrustedCertificateEndsIt) {
  ServedApp app;
  auto options = options_for(app.url(), SampleApp::description({"taxes"}));
  options.ca_file = ServedApp::certificates().crt("foreign");
  const auto report = probe::run_probe(options);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().reason, Reason::peer_untrusted);
  EXPECT_EQ(app.app().asked(), 0u);
}

TEST(Probe, AnAppThatDiesOnTheWayIsTrouble) {
  auto app = std::make_unique<ServedApp>();
  auto options = options_for(app->url(), SampleApp::description());
  options.progress = [&](std::size_t done, std::size_t, std::uint64_t) {
    if (done == 3) app.reset();
  };
  const auto report = probe::run_probe(options);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().reason, Reason::peer_unreachable);
}

// A single-page app says 200 and its page to everything: nothing of that is an answer.
TEST(Probe, APageForEverythingIsNoAnswer) {
  SampleApp app;
  PlainApp plain([&app](const Request& request) {
    Response made = app.answer(request);
    if (made.status == 404 || made.status == 401) {
      made = json(
          200, "<!doctype html><title>App</title><div id=root></div><!-- " + request.path + " -->");
      made.content_type = "text/html";
    }
    return made;
  });
  const auto report =
      probed(options_for(plain.url(), SampleApp::description({"schools", "claims"})));
  EXPECT_EQ(listed(holes_of(report)),
            "\n  plain-http GET /v1/claims\n  plain-http GET /v1/schools/{national_id}");
}

TEST(Probe, ARefusalUnderStatus200IsARefusal) {
  SampleApp app;
  PlainApp plain([&app](const Request& request) {
    Response made = app.answer(request);
    if (made.status >= 400) made = json(200, R"({"success":false,"message":"please sign in"})");
    return made;
  });
  const auto report =
      probed(options_for(plain.url(), SampleApp::description({"births", "mutations"})));
  EXPECT_EQ(listed(holes_of(report)),
            "\n  plain-http GET /v1/births/{national_id}\n  plain-http GET /v1/mutations");
}

// As an app that demands a client certificate does it during the handshake.
TEST(Probe, AConnectionEndedForStrangersIsARefusal) {
  SampleApp app;
  PlainApp plain([&app](const Request& request) {
    Response made = app.answer(request);
    if (made.status == 401) made.status = 0;
    return made;
  });
  const auto report = probed(options_for(plain.url(), SampleApp::description({"arms"})));
  EXPECT_EQ(listed(holes_of(report)), "\n  plain-http GET /v1/arms/{national_id}");
  ASSERT_EQ(report.visits.size(), 2u);
  EXPECT_EQ(report.visits[1].outcome, probe::Outcome::refused);
  EXPECT_EQ(report.visits[1].stranger_status, 0u);
  EXPECT_EQ(report.visits[1].own_status, 200u);
}

TEST(Probe, ABasePathIsNeverLeft) {
  SampleApp app({"trailing-slash"});
  std::atomic<unsigned> outside{0};
  PlainApp plain([&](const Request& request) {
    if (!request.path.starts_with("/land/")) {
      ++outside;
      return problem(404, "another app");
    }
    Request inner = request;
    inner.path = request.path.substr(5);
    return app.answer(inner);
  });
  const auto report =
      probed(options_for(plain.url() + "/land/", SampleApp::description({"taxes"})));
  EXPECT_EQ(
      listed(holes_of(report)),
      "\n  path-variant GET /v1/taxes/{national_id}\n  plain-http GET /v1/taxes/{national_id}");
  EXPECT_EQ(outside, 0u);
}

TEST(Probe, ItWaitsWhereTheAppIsTooBusy) {
  SampleApp app;
  std::atomic<unsigned> busy{0};
  PlainApp plain([&](const Request& request) {
    if (busy++ % 40 == 7) {
      Response made = problem(429, "slow down");
      made.headers.emplace_back("Retry-After", "0");
      return made;
    }
    return app.answer(request);
  });
  const auto report = probed(options_for(plain.url(), SampleApp::description({"arms"})));
  EXPECT_EQ(listed(holes_of(report)), "\n  plain-http GET /v1/arms/{national_id}");
}

}  // namespace
}  // namespace amanat::test
