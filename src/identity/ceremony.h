#pragma once
// identity, ceremony: what the parts of sign-in, asking and registration share. This room only;
// thread-safe.

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "identity/offers.h"
#include "identity/passkey.h"
#include "identity/pending.h"
#include "identity/session.h"
#include "identity/speech.h"

namespace amanat::identity {

/// kSessionCookie: the prefix makes browsers insist on Secure, Path=/ and no Domain (RFC 6265bis).
inline constexpr std::string_view kSessionCookie = "__Host-amanat";

/// kOfficerPasskeys must have been registered before an officer signs in with one of them.
inline constexpr unsigned kOfficerPasskeys = 2;

/// Ceremonies is what identity holds of passkeys in memory.
struct Ceremonies {
  Sessions sessions;
  Pendings pendings;
  SignInNonces sign_ins;
  Tickets tickets;

  std::shared_ptr<const PasskeyRules> rules() const {
    const std::lock_guard lock(mutex_);
    return rules_;
  }
  void use(PasskeyRules rules) {
    auto fresh = std::make_shared<const PasskeyRules>(std::move(rules));
    const std::lock_guard lock(mutex_);
    rules_.swap(fresh);
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const PasskeyRules> rules_ = std::make_shared<const PasskeyRules>();
};

/// carries_session says whether a request shows a session's cookie, live or not.
bool carries_session(const Request& request);

/// QuestionWords is what puts a question into words.
struct QuestionWords {
  const FieldTable& fields;
  const Speech& speech;
};
/// sentences_of says a question or an act in words, one statement each, for the person who signs.
std::vector<std::string> sentences_of(const Asker& asker, const Question& question,
                                      const QuestionWords& words, bool urdu);
std::vector<std::string> sentences_of(const Asker& asker, const Act& act, bool urdu);

/// normal_code is an enrolment code as typed by a person in its one form, and hash_of_code what is
/// kept of it.
std::string normal_code(std::string_view typed);
Digest hash_of_code(std::string_view typed);

}  // namespace amanat::identity
