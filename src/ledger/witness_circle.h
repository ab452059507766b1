#pragma once
// The log's side of the witness protocol (C2SP tlog-witness): one thread for each witness asks it
// to cosign the newest head offered, bridging with a consistency proof from whatever the witness
// holds. Cosignatures are verified here; a witness that lies costs an alarm, never a wrong
// checkpoint.

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "ledger/checkpoint.h"
#include "ledger/tlog_policy.h"
#include "model/ids.h"
#include "model/result.h"

namespace amanat::ledger {

/// WitnessReply is what a witness answered.
struct WitnessReply {
  unsigned status = 0;
  std::string content_type, body;
};
/// WitnessLine is a way to one witness, kept open between requests. One thread.
class WitnessLine {
 public:
  virtual ~WitnessLine() = default;
  /// post sends `body` to the witness's add-checkpoint. Errors: peer_unreachable, peer_untrusted.
  virtual Result<WitnessReply> post(const std::string& body) = 0;
};
/// OpenWitnessLine makes the way to a witness from its URL in the policy (submission prefix).
using OpenWitnessLine = std::function<std::unique_ptr<WitnessLine>(const std::string& url)>;

/// https_line speaks HTTPS to `url`; the server's certificate must chain to `ca_file`.
std::unique_ptr<WitnessLine> https_line(const std::string& url, const std::string& ca_file);

/// Offered is a head for witnesses to cosign.
struct Offered {
  std::uint64_t size = 0;
  Digest root{};
  std::string note;  // signed by the log
};

class WitnessCircle {
 public:
  struct Setup {
    TlogPolicy policy;
    OpenWitnessLine open_line;
    /// proof makes the consistency path between two sizes of our tree.
    std::function<Result<std::vector<Digest>>(std::uint64_t from, std::uint64_t to)> proof;
    /// on_change is told, on a witness's thread, that a cosignature came in.
    std::function<void()> on_change;
    /// alarm is told in words, once per episode.
    std::function<void(std::string_view)> alarm;
  };
  explicit WitnessCircle(Setup setup);
  ~WitnessCircle();
  WitnessCircle(const WitnessCircle&) = delete;
  WitnessCircle& operator=(const WitnessCircle&) = delete;

  /// offer makes `head` the one to be cosigned; a witness that still waits for an older one's
  /// answer takes it up afterwards. The same size may be offered again, for a fresh time.
  void offer(Offered head);
  /// Cosigned is the offered head with the lines that came in so far.
  struct Cosigned {
    Offered head;
    std::string lines;
    unsigned count = 0;
    bool quorum = false;
    bool complete = false;  // every witness has answered, one way or another
  };
  Cosigned collected() const;

  /// Objection is a witness that has seen a longer log than ours, or another one.
  struct Objection {
    std::string witness, what;
  };
  std::optional<Objection> objection() const;
  /// settle waits until every witness has answered the head offered, failed, or `limit` is over.
  void settle(std::chrono::milliseconds limit) const;

 private:
  struct Member {
    TlogPolicy::Witness who;
    std::unique_ptr<WitnessLine> line;
    std::uint64_t asked = 0;     // number of the offer last taken up
    std::uint64_t answered = 0;  // number of the offer last dealt with
    std::uint64_t size = 0;      // the size it holds, as far as we know
    bool failing = false;        // an alarm was given
    std::string cosignature;     // of the present offer
    std::thread thread;
  };
  struct Outcome {
    std::string line;
    std::string trouble;   // why there is none
    std::string objected;  // it contradicts our log
  };
  void run(Member& member);
  Outcome ask(Member& member, const Offered& head);
  Outcome take(const Member& member, const Offered& head, const WitnessReply& reply) const;
  void settle_member(Member& member, std::uint64_t number, Outcome outcome);

  const Setup setup_;
  mutable std::mutex mutex_;
  mutable std::condition_variable called_, answered_;
  std::vector<std::unique_ptr<Member>> members_;
  Offered head_;
  std::uint64_t number_ = 0;
  std::optional<Objection> objection_;
  bool stopping_ = false;
};

}  // namespace amanat::ledger
