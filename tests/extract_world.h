#pragma once
// A whole exchange with a policy that gives extracts, and the steps of one over HTTP.

#include <thread>

#include "crypto/crypto.h"
#include "crypto/device_key.h"
#include "registry/registry.h"
#include "world.h"

namespace amanat::test {

inline constexpr const char* kExtractPolicy = R"(
[[role]]
id = "overseer"
says = "Somebody who looks over what was done"
rights = ["audit"]
[[purpose]]
id = "data-transfer"
says = "the yearly comparison of registers"
law = "an invented law, section 3"
[[purpose]]
id = "counting"
says = "a count for the ministry"
law = "an invented law, section 4"
[[purpose]]
id = "small-things"
says = "what is small"
law = "an invented law, section 5"
[[quota]]
id = "bulk"
distinct_subjects = [{ per = "officer", n = 30000 }]
[[quota]]
id = "little"
distinct_subjects = [{ per = "unit", n = 30, window = "365d" }]
[[grant]]
id = "X01"
says = "Names and numbers of listed citizens, once a superior of another unit has agreed"
roles = ["investigator"]
purposes = ["data-transfer"]
fields = ["identity.persons.name", "identity.persons.present_address", "telecom.subscribers.msisdn"]
extract = { most = 20000, keep = "2h" }
needs = { approver = "superior_other_unit" }
quota = "bulk"
[[grant]]
id = "X02"
says = "Names of listed citizens"
roles = ["investigator"]
purposes = ["counting"]
fields = ["identity.persons.name", "identity.persons.present_address", "telecom.subscribers.msisdn"]
extract = { most = 20000 }
needs = { approvals = 0 }
quota = "bulk"
[[grant]]
id = "X03"
says = "Genders of a few listed citizens"
roles = ["investigator"]
purposes = ["small-things"]
fields = ["identity.persons.gender"]
extract = { most = 40, formats = ["csv"] }
needs = { approvals = 0 }
quota = "little"
[[grant]]
id = "X04"
says = "A father's name, of one citizen at a time"
roles = ["investigator"]
purposes = ["counting"]
fields = ["identity.persons.father_name"]
quota = "bulk"
)";

struct ExtractWorld {
  ExtractWorld() {
    World::more_policy = {{"zz_extracts.toml", kExtractPolicy}};
    world = std::make_unique<World>();
    World::more_policy.clear();
    officer("TA-1", "Investigation Lahore", "investigator");
    officer("TA-2", "Investigation Multan", "supervisor");
    officer("TA-3", "Investigation Multan", "investigator");
    officer("TA-4", "Investigation Quetta", "investigator");
    officer("TA-5", "Oversight Lahore", "overseer");
    officer("TA-6", "Oversight Multan", "overseer");
    for (const char* id : {"TA-1", "TA-2", "TA-3", "TA-4", "TA-5", "TA-6"}) world->device(id);
    const Table persons = read_table(World::data() / "nadra_identity.csv");
    for (std::size_t i = 1; i < persons.size(); ++i)
      if (!persons[i].empty() && digits_of(persons[i][0]).size() == 13)
        citizens.push_back(digits_of(persons[i][0]));
    std::sort(citizens.begin(), citizens.end());
    citizens.erase(std::unique(citizens.begin(), citizens.end()), citizens.end());
  }

  void officer(const std::string& id, const std::string& unit, const std::string& role) {
    identity::Officer o;
    o.id = id;
    o.name = "Officer " + id;
    o.department = "police";
    o.unit = unit;
    o.role = role;
    o.national_id = "42101999000" + std::to_string(10 + officers++);
    ASSERT_TRUE(world->exchange->identity().note_officer(o));
  }

  /// grow invents citizens until there are `n` in the registers.
  void grow(std::size_t n) {
    std::string lines;
    for (std::uint64_t serial = 0; citizens.size() < n; ++serial) {
      const std::string id = std::to_string(6110100000000ull + serial * 37);
      citizens.push_back(id);
      lines += R"({"CNIC":")" + id + R"(","Name":"Invented Person )" + std::to_string(serial) +
               R"(","Father Name":"Invented Father","Gender":"F","Date of Birth":"1990-01-01",)" +
               R"("Present Address":"House )" + std::to_string(serial % 900) +
               R"(, Street 2, Gulberg, Lahore"})" + "\n";
      if (citizens.size() % 500 == 0 || citizens.size() == n) {
        auto report = world->exchange->registry().import_lines("identity.persons", lines);
        ASSERT_TRUE(report) << report.error().detail;
        ASSERT_EQ(report->quarantined, 0u);
        lines.clear();
      }
    }
    std::sort(citizens.begin(), citizens.end());
  }

  Response send(const std::string& officer, const char* method, const std::string& target,
                const std::string& body = "", const net::Client::Headers& headers = {}) const {
    auto client = world->client(officer);
    EXPECT_TRUE(client);
    if (!client) return {};
    auto response = client->ask_with(headers, method, target, body);
    EXPECT_TRUE(response) << method << " " << target;
    return response ? *std::move(response) : Response{};
  }
  net::Json json(const std::string& officer, const char* method, const std::string& target,
                 const std::string& body = "") const {
    auto parsed = net::parse_json(send(officer, method, target, body).body,
                                  {.bytes_max = 1 << 20, .values_max = 1 << 16});
    return parsed ? *std::move(parsed) : net::Json{};
  }
  static std::string text(const net::Json& object, const char* name) {
    const net::Json* member = object.find(name);
    return member != nullptr && member->string() != nullptr ? *member->string() : "";
  }
  static std::uint64_t number_at(const net::Json& object, const char* name) {
    const net::Json* member = object.find(name);
    return member != nullptr && member->integer() ? *member->integer() : 0;
  }

  /// send_list sends a list in parts of 3,000 and returns the question's `list` member.
  std::string send_list(const std::string& officer, std::vector<std::string> list) const {
    std::sort(list.begin(), list.end());
    const std::string digest = crypto::hex(registry::Registry::list_digest(list));
    for (std::size_t at = 0, part = 0; at < list.size(); at += 3000, ++part) {
      std::string lines;
      for (std::size_t i = at; i < std::min(list.size(), at + 3000); ++i) lines += list[i] + "\n";
      const auto sent =
          send(officer, "PUT", "/v1/extracts/lists/" + digest + "/" + std::to_string(part), lines);
      EXPECT_EQ(sent.status, 200u) << sent.body;
    }
    return R"({"sha256":")" + digest + R"(","citizens":)" + std::to_string(list.size()) + "}";
  }
  static std::string question(
      const std::string& list, const std::string& purpose, const std::string& format,
      const std::string& fields = R"("identity.persons.name","telecom.subscribers.msisdn")") {
    return R"({"list":)" + list + R"(,"fields":[)" + fields + R"(],"purpose":")" + purpose +
           R"(","format":")" + format + R"("})";
  }

  /// settled waits until an extract is no longer being made.
  net::Json settled(const std::string& officer, const std::string& id) const {
    for (int i = 0; i < 6000; ++i) {
      auto view = json(officer, "GET", "/v1/extracts/" + id);
      const std::string state = text(view, "state");
      if (state != "making" && state != "closing") return view;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    ADD_FAILURE() << "the extract never ends";
    return {};
  }
  /// extract asks for one that needs no approval and waits for it.
  net::Json extract(const std::string& officer, const std::vector<std::string>& list,
                    const std::string& format, const std::string& purpose = "counting") const {
    const auto asked =
        world->ask(officer, question(send_list(officer, list), purpose, format), "/v1/extracts");
    EXPECT_EQ(asked.status, 202u) << asked.body;
    return settled(officer, text(asked.json, "extract"));
  }
  /// fetch reads the rows in ranges of `step` bytes.
  std::string fetch(const std::string& officer, const net::Json& view,
                    std::uint64_t step = 50'000) const {
    std::string all;
    const std::uint64_t bytes = number_at(view, "bytes");
    while (all.size() < bytes) {
      const auto part =
          send(officer, "GET", "/v1/extracts/" + text(view, "extract") + "/rows", "",
               {{"Range", "bytes=" + std::to_string(all.size()) + "-" +
                              std::to_string(std::min(bytes, all.size() + step) - 1)}});
      EXPECT_EQ(part.status, 206u) << part.body;
      if (part.status != 206 || part.body.empty()) return all;
      all += part.body;
    }
    return all;
  }
  /// approve lets TA-2 agree to what waits with this id.
  void approve(const std::string& id) const {
    const auto list = json("TA-2", "GET", "/v1/approvals");
    std::string hash;
    for (const auto& one : *list.find("to_decide")->array())
      if (text(one, "approval") == id) hash = text(one, "question_hash");
    ASSERT_EQ(hash.size(), 64u) << "the approver does not see it";
    Act act;
    act.verb = "approve";
    act.target = id;
    const auto bytes = crypto::from_hex(hash);
    std::copy(bytes->begin(), bytes->end(), act.subject.begin());
    act.reason = "seen";
    act.until = number(now()) + 3'600'000;
    const std::string tagged = std::string("amanat/act/v1") + '\0' + *canonical_act(act);
    const std::string key = read_all(world->directory.path / "TA-2.key");
    auto signature = crypto::sign_with_key(key, crypto::bytes_of(tagged));
    ASSERT_TRUE(signature);
    net::JsonWriter json;
    json.begin_object().key("act").begin_object().key("verb").string(act.verb);
    json.key("target").string(act.target).key("subject").string(crypto::hex(act.subject));
    json.key("reason").string(act.reason).key("until").number(act.until).end_object();
    json.key("signature").string(crypto::base64(crypto::bytes_of(*signature))).end_object();
    EXPECT_EQ(world->ask("TA-2", json.take(), "/v1/approvals/" + id).status, 200u);
  }
  std::vector<ledger::Opened> entries() const {
    std::vector<ledger::Opened> all;
    EXPECT_TRUE(world->exchange->scan_ledger(EntryIndex{0}, [&](const ledger::Opened& e) {
      all.push_back(e);
      return true;
    }));
    return all;
  }
  static const std::string& part(const ledger::Opened& e, BodyPart p) {
    return e.parts[static_cast<std::size_t>(p) - 1];
  }

  std::unique_ptr<World> world;
  std::vector<std::string> citizens;
  int officers = 0;
};

}  // namespace amanat::test
