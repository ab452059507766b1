// What marks cost: the coins of one answer (places, draws and rendering; goal: 20 µs), and the keys
// (a blinded share at the auditor, an account's key at the exchange; off the way of an answer).
//
//   marks_bench [SECONDS] [CATALOG]   prints part lines for bench/parts.sh

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>
#include <vector>

#include "crypto/voprf.h"
#include "disclosure/marks.h"
#include "registry/catalog.h"

namespace {

using namespace amanat;
using namespace amanat::disclosure;

double cpu_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

template <class Work>
void part(const char* name, double seconds, const char* words, Work work) {
  const double begin = cpu_seconds();
  std::size_t done = 0;
  while (cpu_seconds() - begin < seconds)
    for (int i = 0; i < 16; ++i, ++done) work(done);
  const double us = (cpu_seconds() - begin) * 1e6 / static_cast<double>(done);
  std::printf("part\t%s\t%.6g\tus\t%s\n", name, us, words);
  std::fflush(stdout);
}

// answer does what a marked answer does beyond an unmarked one.
std::size_t answer(const SlotCatalogue& catalogue, const std::vector<TrueRecord>& records,
                   const std::vector<std::uint16_t>& optional, const Key256& key,
                   const Digest& subject) {
  const CoinKey coins(key);
  std::size_t bytes = 0;
  for (const Place& place : places(catalogue, records, optional)) {
    const std::uint32_t symbol = coins.symbol(subject, place);
    if (!place.record || symbols_of(place.slot->kind) == 0) continue;
    const Symbolised fallen{place.slot, symbol};
    for (const TrueValue& v : records[*place.record].values)
      if (v.field == place.of || std::find(place.slot->members.begin(), place.slot->members.end(),
                                           v.field) != place.slot->members.end())
        bytes += rendered(std::span(&fallen, 1), v.text).size();
  }
  return bytes;
}

}  // namespace

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::atof(argv[1]) : 2.0;
  const auto catalog = registry::Catalog::load(argc > 2 ? argv[2] : "catalog/pakistan");
  if (!catalog) return std::fprintf(stderr, "%s\n", catalog.error().detail.c_str()), 1;
  const auto slots = SlotCatalogue::parse(catalog->slots());
  if (!slots) return std::fprintf(stderr, "%s\n", slots.error().detail.c_str()), 1;
  const auto n = [&](const char* id) { return slots->number_of(id); };
  const std::string p = "identity.persons.";
  const std::vector<TrueRecord> person{
      {n("identity.persons"),
       {{n("identity.persons.national_id"), "3520281848771"},
        {n("identity.persons.name_urdu"), "\u06A9\u0627\u0634\u0641"},
        {n("identity.persons.gender"), "M"},
        {n("identity.persons.date_of_birth"), "1954-06-02"},
        {n("identity.persons.present_address"), "House 668, Street 25, Ichhra, Lahore"},
        {n("identity.persons.permanent_address"), "House 1, Street 2, Saddar, Multan"},
        {n("identity.persons.issued_on"), "2024-05-25"},
        {n("identity.persons.expires_on"), "2034-05-25"}}}};
  std::vector<std::uint16_t> optional;
  for (const auto& name : slots->names())
    if (name.id.starts_with(p) && !name.id.ends_with("national_id"))
      optional.push_back(name.number);
  std::vector<TrueRecord> calls;
  for (int i = 0; i < 50; ++i)
    calls.push_back({n("telecom.calls"),
                     {{n("telecom.calls.counterparty"), "+923001234567"},
                      {n("telecom.calls.started_at"), "2026-10-19T07:11:59"},
                      {n("telecom.calls.duration_s"), "187"},
                      {n("telecom.calls.cell"), "410-05-2283-21087"}}});
  const std::vector<std::uint16_t> of_calls{n("telecom.calls.started_at"),
                                            n("telecom.calls.duration_s"), n("telecom.calls.cell")};
  const Key256 key = crypto::random_key();
  const Digest subject = crypto::sha256("subject");
  std::size_t bytes = 0;
  part("marks_answer", seconds, "coins of one identity answer, 12 slots alive",
       [&](std::size_t) { bytes += answer(*slots, person, optional, key, subject); });
  part("marks_calls", seconds, "coins of an answer with 50 call records, 4 each",
       [&](std::size_t) { bytes += answer(*slots, calls, of_calls, key, subject); });
  const auto share = crypto::VoprfKey::derive(key, crypto::bytes_of(share_info(2026)));
  const auto blinded = crypto::voprf_blind(crypto::bytes_of(share_input(AccountId{7}, 416)));
  if (!share || !blinded) return 1;
  part("marks_evaluate", seconds, "a blinded share with its proof, at the auditor",
       [&](std::size_t) { bytes += share->evaluate(blinded->element)->proof[0]; });
  const auto evaluated = share->evaluate(blinded->element);
  part("marks_unblind", seconds, "blinding, proof and share, at the exchange", [&](std::size_t) {
    const auto again = crypto::voprf_blind(crypto::bytes_of("input"));
    bytes += again->element[0];
    bytes += crypto::voprf_unblind(*blinded, share->public_key(), *evaluated)->bytes()[0];
  });
  return bytes == 0 ? 1 : 0;
}
