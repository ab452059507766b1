// What a decision costs, and what a whole analysis does, under a policy of 512 rules over 256
// fields: the numbers of P4. Also what identity and detection cost a question.
//
//   policy_bench        prints figures, and part lines for bench/parts.sh

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "crypto/certificate.h"
#include "detection/detection.h"
#include "identity/identity.h"
#include "policy/analysis.h"
#include "policy/compiled.h"
#include "policy/invented.h"
#include "policy/policy.h"
#include "storage/scratch.h"
#include "storage/storage.h"
#include "vault/vault.h"

namespace {

using namespace amanat;
using namespace amanat::policy;
using Clock = std::chrono::steady_clock;

constexpr unsigned kGrants = 448, kForbids = 64, kFields = 256;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

void part(const char* name, double value, const char* unit, const char* words) {
  std::printf("part\t%s\t%.6g\t%s\t%s\n", name, value, unit, words);
}

std::vector<Situation> situations(const Compiled& compiled, const invented::Sizes& sizes,
                                  std::size_t n) {
  invented::Draw draw(11);
  std::vector<Situation> all(n);
  for (auto& s : all) {
    for (unsigned i = 1 + draw.below(2); i-- > 0;)
      s.roles[s.role_count++] = static_cast<Column>(1 + draw.below(sizes.roles));
    s.purpose = static_cast<Column>(draw.below(sizes.purposes));
    s.kind = static_cast<Column>(kKinds + draw.below(3));
    s[Attribute::matter] = compiled.matter(s.purpose, s.kind);
    for (const Attribute a :
         {Attribute::department, Attribute::unit, Attribute::case_open, Attribute::assigned,
          Attribute::own_unit, Attribute::presence, Attribute::approvals})
      s[a] = static_cast<Column>(draw.below(compiled.columns(a)));
    s[Attribute::evidence] = static_cast<Column>(kChannel + draw.below(3));
    s[Attribute::glass] = draw.one_in(8) ? kYes : kNo;
    if (draw.one_in(2)) s.ordered.set();
    if (draw.one_in(4)) s.classes = mask_of(SubjectClass::colleague);
    if (draw.one_in(2)) s.later = mask_of(SubjectClass::own_family);
    s[Attribute::hour] = Compiled::hour(draw.below(24));
  }
  return all;
}

// p50 and p99 of one decision in ns: each sample is a run of decisions, so that the clock's own
// cost does not count.
std::pair<double, double> decision(const Compiled& compiled, const std::vector<Situation>& all,
                                   std::size_t fields_asked) {
  constexpr std::size_t kRun = 16;
  std::vector<FieldId> asked;
  for (std::size_t i = 0; i < fields_asked; ++i)
    asked.push_back(FieldId{static_cast<std::uint16_t>(i * (kFields / fields_asked))});
  std::vector<double> ns;
  Verdict verdict;
  std::uint64_t released = 0;
  for (std::size_t i = 0; i + kRun <= all.size(); i += kRun) {
    const auto begin = Clock::now();
    for (std::size_t k = 0; k < kRun; ++k) {
      compiled.decide(all[i + k], asked, verdict);
      released += verdict.rank[0][0];
    }
    ns.push_back(seconds_since(begin) * 1e9 / kRun);
  }
  std::sort(ns.begin(), ns.end());
  if (released == 0) std::fputs("policy_bench: nothing was ever released\n", stderr);
  return {ns[ns.size() / 2], ns[ns.size() * 99 / 100]};
}

// What the three rooms take of a question: one officer, one case of three citizens, four fields.
struct Question {
  double identify = 0, grant = 0, clear = 0;  // ns
};

Request request_of(const Digest& device, const FieldTable& fields) {
  Request r;
  r.headers = {{"content-type", "application/json"}};
  r.body = R"({"subject":{"national_id":"3520281848771"},"fields":[)";
  for (std::uint16_t i = 0; i < 4; ++i)
    r.body += (i > 0 ? ",\"" : "\"") + fields[FieldId{i}].id + "\"";
  r.body += R"(],"purpose":"crime","case":"FIR 1/19 PS Cantt Multan"})";
  r.received = now();
  auto peer = std::make_shared<PeerCertificate>();
  peer->thumbprint = device;
  peer->issued_by_us = true;
  peer->not_after = Moment{~0ull};
  r.peer = std::move(peer);
  return r;
}

Result<Question> question(const FieldTable& fields) {
  const storage::Scratch scratch;
  std::filesystem::create_directory(scratch / "policy");
  std::ofstream(scratch / "policy/p.toml")
      << "[[role]]\nid = \"investigator\"\nsays = \"s\"\n[[department]]\nid = \"police\"\nsays = "
         "\"s\"\nofficers = \"certificate\"\n[[purpose]]\nid = \"crime\"\nsays = "
         "\"s\"\nlaw = \"l\"\ncases = [\"fir\"]\n"
         "[[quota]]\nid = \"q\"\ndistinct_subjects = [{ per = \"officer\", n = 2000, window = "
         "\"365d\" }, { per = \"case\", n = 25 }]\n"
         "[[grant]]\nid = \"G\"\nsays = \"s\"\nroles = [\"investigator\"]\npurposes = "
         "[\"crime\"]\nfields = [\"*\"]\nquota = \"q\"\n"
         "needs = { case_open = true, subject_in_case = true, officer_assigned = true }\n";
  auto vault = vault::Vault::create(storage::system_disk(), scratch / "keys");
  if (!vault) return std::unexpected(vault.error());
  const auto store = storage::open_memory();
  auto identity = identity::Identity::open(*store, **vault, fields);
  if (!identity) return std::unexpected(identity.error());
  auto policy = Policy::open(scratch / "policy", fields, *store, **vault);
  if (!policy) return std::unexpected(policy.error());
  identity::Officer officer;
  officer.id = "PO-1094";
  officer.department = "police";
  officer.unit = "Investigation Multan";
  officer.role = "investigator";
  if (auto noted = (*identity)->note_officer(officer); !noted)
    return std::unexpected(noted.error());
  const auto authority = crypto::make_authority("bench", 1);
  const auto key = crypto::make_device_key(officer.id);
  if (!authority || !key) return fail(Reason::internal_error, "no certificate authority");
  auto device = (*identity)->enrol(officer.id, key->csr_pem, authority->certificate_pem,
                                   authority->key_pem.view(), 30);
  if (!device) return std::unexpected(device.error());
  Case one;
  one.ref = "FIR 1/19 PS Cantt Multan";
  one.kind = "fir";
  one.officers = {officer.id};
  for (const char* id : {"3520281848771", "3520200353346", "3630284044386"})
    one.subjects.push_back({SubjectKind::national_id, id});
  if (auto noted = (*policy)->note_case(one); !noted) return std::unexpected(noted.error());

  detection::Detection detection;
  const Request request = request_of(device->thumbprint, fields);
  Question best{1e9, 1e9, 1e9};
  constexpr int kRun = 2'000;
  for (int round = 0; round < 50; ++round) {  // the quickest of many runs: the machine is shared
    std::vector<Caller> callers;
    std::vector<Grant> grants;
    callers.reserve(kRun);
    grants.reserve(kRun);
    auto begin = Clock::now();
    for (int i = 0; i < kRun; ++i) callers.push_back(*(*identity)->identify(request));
    best.identify = std::min(best.identify, seconds_since(begin) * 1e9 / kRun);
    begin = Clock::now();
    for (auto& caller : callers) grants.push_back(*(*policy)->grant(std::move(caller)));
    best.grant = std::min(best.grant, seconds_since(begin) * 1e9 / kRun);
    begin = Clock::now();
    for (auto& grant : grants)
      if (const auto cleared = detection.clear(std::move(grant)); !cleared)
        return std::unexpected(cleared.error());
    best.clear = std::min(best.clear, seconds_since(begin) * 1e9 / kRun);
  }
  return best;
}

}  // namespace

int main() {
  invented::Sizes sizes;
  sizes.fields = kFields;
  sizes.roles = 24;
  sizes.purposes = 16;
  sizes.grants = kGrants;
  sizes.forbids = kForbids;
  sizes.quotas = 8;
  const FieldTable fields = invented::field_table(kFields);
  auto begin = Clock::now();
  auto tables = read_tables({{"invented.toml", invented::policy_text(sizes, 7, fields)}}, fields);
  if (!tables) {
    std::fprintf(stderr, "policy_bench: %s\n", tables.error().detail.c_str());
    return 2;
  }
  const Compiled compiled(*std::move(tables), fields);
  const double load = seconds_since(begin);

  const auto all = situations(compiled, sizes, 1 << 17);
  decision(compiled, all, 4);  // warm
  const auto [p50, p99] = decision(compiled, all, 4);
  const auto [whole50, whole99] = decision(compiled, all, kFields);

  // The field most rules name is the dearest one to ask after.
  begin = Clock::now();
  double slowest = 0;
  std::size_t sentences = 0;
  for (std::size_t f = 0; f < kFields; f += 8) {
    FieldSet one;
    one.set(f);
    const auto start = Clock::now();
    sentences += who_can_see(compiled, one).size();
    slowest = std::max(slowest, seconds_since(start));
  }
  FieldSet every;
  for (std::size_t f = 0; f < kFields; ++f) every.set(f);
  begin = Clock::now();
  const std::size_t everything = who_can_see(compiled, every).size();
  const double who_all = seconds_since(begin);
  begin = Clock::now();
  const std::size_t complaint_count = complaints(compiled).size();
  const double check = seconds_since(begin);

  std::printf("policy of %u rules x %u fields: read and compiled in %.3f s\n", kGrants + kForbids,
              kFields, load);
  std::printf(
      "decision, 4 fields asked: p50 %.0f ns, p99 %.0f ns; all %u fields: p50 %.0f ns, p99 %.0f "
      "ns\n",
      p50, p99, kFields, whole50, whole99);
  std::printf(
      "who: one field %.3f s at most (%zu sentences over 32 fields); all fields %.3f s (%zu); "
      "check %.3f s (%zu)\n",
      slowest, sentences, who_all, everything, check, complaint_count);
  const auto asked = question(fields);
  if (!asked) {
    std::fprintf(stderr, "policy_bench: %s\n", asked.error().detail.c_str());
    return 2;
  }
  std::printf(
      "a question: identify %.0f ns, body included; grant %.0f ns, case and Grant included; clear "
      "%.0f ns, given back\n",
      asked->identify, asked->grant, asked->clear);
  part("identify", asked->identify, "ns", "the credential and the question's body, per question");
  part("policy_grant", asked->grant, "ns",
       "case lookup, decision and the Grant, per question of 4 fields");
  part("detection_clear", asked->clear, "ns", "reserving and giving back a unit in two windows");
  part("policy_decision_p50", p50, "ns",
       "one decision over 512 rules and 256 fields, 4 fields asked, all three standings");
  part("policy_decision_p99", p99, "ns", "the same, 99th percentile");
  part("policy_decision_all", whole50, "ns", "the same with all 256 fields asked");
  part("policy_who", std::max(slowest, who_all), "s",
       "who can see every field, by going through the whole finite space");
  part("policy_check", check, "s", "policy check over the whole finite space");
  return 0;
}
