#include "ledger/witness_circle.h"

#include <algorithm>
#include <optional>

#include "ledger/note.h"
#include "ledger/proof.h"
#include "ledger/witness.h"
#include "model/insist.h"
#include "net/http.h"

namespace amanat::ledger {
namespace {

constexpr unsigned kReplySecondsMax = 10;
constexpr std::size_t kReplyBytesMax = 64 * 1024;
constexpr std::chrono::milliseconds kRetry{1000};
constexpr int kBridges = 4;  // 409s in a row before a witness is left for later

class HttpsLine : public WitnessLine {
 public:
  HttpsLine(const std::string& url, std::string ca_file) : ca_file_(std::move(ca_file)) {
    // net's client takes host and port; the path goes with each request.
    const std::size_t host = url.find("://");
    const std::size_t path =
        host == std::string::npos ? std::string::npos : url.find('/', host + 3);
    server_ = url.substr(0, path);
    target_ = path == std::string::npos ? "" : url.substr(path);
    while (target_.ends_with('/')) target_.pop_back();
    target_ += "/add-checkpoint";
  }
  Result<WitnessReply> post(const std::string& body) override {
    for (const bool fresh : {client_ == nullptr, true}) {
      if (fresh) {
        net::ClientOptions options;
        options.url = server_;
        options.ca_file = ca_file_;
        options.seconds_max = kReplySecondsMax;
        auto connected = net::Client::connect(options);
        if (!connected) return std::unexpected(std::move(connected.error()));
        client_ = std::make_unique<net::Client>(std::move(*connected));
      }
      auto reply = client_->ask("POST", target_, body, "text/plain; charset=utf-8");
      if (reply) return WitnessReply{reply->status, reply->content_type, std::move(reply->body)};
      client_.reset();
      // A kept connection may have been closed meanwhile: once more on a fresh one.
      if (fresh) return std::unexpected(std::move(reply.error()));
    }
    insist(false);
    return fail(Reason::peer_unreachable);
  }

 private:
  const std::string ca_file_;
  std::string server_, target_;
  std::unique_ptr<net::Client> client_;
};

}  // namespace

std::unique_ptr<WitnessLine> https_line(const std::string& url, const std::string& ca_file) {
  return std::make_unique<HttpsLine>(url, ca_file);
}

WitnessCircle::WitnessCircle(Setup setup) : setup_(std::move(setup)) {
  insist(setup_.open_line && setup_.proof);
  for (const auto& who : setup_.policy.witnesses) {
    if (who.url.empty()) continue;  // others may ask it; we cannot
    auto& member = members_.emplace_back(std::make_unique<Member>());
    member->who = who;
    member->line = setup_.open_line(who.url);
  }
  for (auto& member : members_) member->thread = std::thread([this, &member] { run(*member); });
}

WitnessCircle::~WitnessCircle() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  called_.notify_all();
  for (auto& member : members_) member->thread.join();
}

void WitnessCircle::offer(Offered head) {
  {
    const std::lock_guard lock(mutex_);
    insist(head.size >= head_.size);
    head_ = std::move(head);
    ++number_;
    for (auto& member : members_) member->cosignature.clear();
  }
  called_.notify_all();
}

WitnessCircle::Cosigned WitnessCircle::collected() const {
  const std::lock_guard lock(mutex_);
  Cosigned out;
  out.head = head_;
  std::vector<NoteSigned> signed_by;
  out.complete = number_ > 0;
  for (const auto& member : members_) {
    out.complete = out.complete && member->answered == number_;
    if (member->cosignature.empty()) continue;
    out.lines += member->cosignature;
    ++out.count;
    signed_by.push_back({member->who.key.name, member->who.key.id, SignatureType::cosignature, 1});
  }
  out.quorum = number_ > 0 && setup_.policy.reached(signed_by);
  return out;
}

std::optional<WitnessCircle::Objection> WitnessCircle::objection() const {
  const std::lock_guard lock(mutex_);
  return objection_;
}

void WitnessCircle::settle(std::chrono::milliseconds limit) const {
  std::unique_lock lock(mutex_);
  answered_.wait_for(lock, limit, [this] {
    return std::ranges::all_of(members_, [this](const auto& m) { return m->answered == number_; });
  });
}

void WitnessCircle::run(Member& member) {
  std::unique_lock lock(mutex_);
  for (;;) {
    called_.wait(lock, [&] { return stopping_ || member.asked != number_; });
    if (stopping_) return;
    const Offered head = head_;
    const std::uint64_t number = member.asked = number_;
    lock.unlock();
    Outcome outcome = ask(member, head);
    lock.lock();
    const bool missed = outcome.line.empty();
    settle_member(member, number, std::move(outcome));
    lock.unlock();
    answered_.notify_all();
    if (setup_.on_change) setup_.on_change();
    lock.lock();
    // A witness that did not answer is asked for the same head again after a pause.
    if (missed && !called_.wait_for(lock, kRetry, [&] { return stopping_ || number != number_; }))
      member.asked = 0;
  }
}

// Under the lock.
void WitnessCircle::settle_member(Member& member, std::uint64_t number, Outcome outcome) {
  if (number == number_) {
    member.answered = number;
    member.cosignature = std::move(outcome.line);
  }
  if (!outcome.objected.empty() && !objection_) objection_ = {member.who.name, outcome.objected};
  const bool failing = !outcome.trouble.empty() || !outcome.objected.empty();
  if (failing && !member.failing && setup_.alarm)
    setup_.alarm("witness " + member.who.name + ": " +
                 (outcome.objected.empty() ? outcome.trouble : outcome.objected));
  member.failing = failing;
}

// The dialogue with one witness: bridge from the size it holds, which a 409 tells.
WitnessCircle::Outcome WitnessCircle::ask(Member& member, const Offered& head) {
  for (int bridge = 0; bridge < kBridges; ++bridge) {
    if (member.size > head.size)
      return {{},
              {},
              "it holds " + std::to_string(member.size) + " entries, we have " +
                  std::to_string(head.size)};
    AddCheckpoint add{member.size, {}, head.note};
    if (member.size > 0 && member.size < head.size) {
      auto proof = setup_.proof(member.size, head.size);
      if (!proof) return {{}, "no proof could be made: " + proof.error().detail, {}};
      add.proof = std::move(*proof);
    }
    auto reply = member.line->post(write_add_checkpoint(add));
    if (!reply)
      return {{}, std::string(row_of(reply.error().reason).id) + ": " + reply.error().detail, {}};
    if (reply->body.size() > kReplyBytesMax) return {{}, "its reply is too large", {}};
    if (reply->status != 409) {
      Outcome outcome = take(member, head, *reply);
      if (!outcome.line.empty()) member.size = head.size;
      return outcome;
    }
    const std::string_view body = reply->body;
    const auto held =
        body.ends_with('\n') ? parse_decimal(body.substr(0, body.size() - 1)) : std::nullopt;
    if (!held) return {{}, "its 409 names no size", {}};
    member.size = *held;
  }
  return {{}, "its size changes with every request", {}};
}

WitnessCircle::Outcome WitnessCircle::take(const Member& member, const Offered& head,
                                           const WitnessReply& reply) const {
  switch (reply.status) {
    case 200:
      break;
    case 403:
    case 404:
      return {{}, "it does not witness this log (" + std::to_string(reply.status) + ")", {}};
    case 422:  // our proof is from our own tree, so its root of that size is another
      return {{}, {}, "at " + std::to_string(member.size) + " entries it has another root"};
    default:
      return {{}, "it answered " + std::to_string(reply.status), {}};
  }
  // Joined to the checkpoint, the reply is a note in which its key must have signed.
  const VerifierKey keys[] = {member.who.key};
  const auto parsed = parse_note(head.note);
  insist(parsed.has_value());
  const std::string note = parsed->text + "\n" + reply.body;
  const auto opened = open_note(note, keys);
  if (!opened) return {{}, "its cosignature does not hold: " + opened.error().detail, {}};
  const std::string kept = keep_lines(note, keys);
  return {kept.substr(parsed->text.size() + 1), {}, {}};
}

}  // namespace amanat::ledger
