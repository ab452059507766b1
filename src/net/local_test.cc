#include "net/local.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <thread>

namespace amanat::net {
namespace {

struct Place {
  std::string directory, path;
  Place() {
    char name[] = "/tmp/amanat_local_XXXXXX";
    directory = ::mkdtemp(name);
    path = directory + "/control";
  }
  ~Place() { std::filesystem::remove_all(directory); }
};

int connected(const std::string& path) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  EXPECT_EQ(::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  return fd;
}

// repeat says its arguments back, the last on the error stream, and returns their number.
int repeat(const std::vector<std::string>& args, const LocalEmit& emit) {
  for (std::size_t i = 0; i < args.size(); ++i) emit(i + 1 == args.size() ? 2 : 1, args[i]);
  return static_cast<int>(args.size());
}

TEST(Local, ACommandIsRunAndItsOutputComesBack) {
  const Place place;
  const auto server = LocalServer::start(place.path, repeat);
  ASSERT_TRUE(server.has_value());
  struct stat facts {};
  ASSERT_EQ(::stat(place.path.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777U, 0600U);
  std::string out, err;
  const LocalEmit emit = [&](int stream, std::string_view text) {
    (stream == 1 ? out : err) += text;
  };
  const std::string large(300000, 'x');
  EXPECT_EQ(*local_call(place.path, {"erase", std::string("a\0b", 3), large, "last"}, emit), 4);
  EXPECT_EQ(out, "erase" + std::string("a\0b", 3) + large);
  EXPECT_EQ(err, "last");
  EXPECT_EQ(*local_call(place.path, {}, emit), 0);
}

TEST(Local, CommandsComeOneAtATime) {
  const Place place;
  std::atomic<int> inside{0};
  std::atomic<bool> together{false};
  const auto server =
      LocalServer::start(place.path, [&](const std::vector<std::string>&, const LocalEmit&) {
        if (++inside != 1) together = true;
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        --inside;
        return -1;
      });
  std::vector<std::thread> callers;
  for (int i = 0; i < 6; ++i)
    callers.emplace_back(
        [&] { EXPECT_EQ(*local_call(place.path, {"x"}, [](int, std::string_view) {}), -1); });
  for (auto& c : callers) c.join();
  EXPECT_FALSE(together);
}

TEST(Local, OversizedAndMalformedFramesAreRefused) {
  const Place place;
  int runs = 0;
  const auto server = LocalServer::start(
      place.path, [&](const std::vector<std::string>&, const LocalEmit&) { return ++runs; });
  const LocalEmit none = [](int, std::string_view) {};
  EXPECT_EQ(local_call(place.path, {std::string(1 << 20, 'x')}, none).error().reason,
            Reason::malformed_request);
  EXPECT_EQ(local_call(place.path, std::vector<std::string>(5000), none).error().reason,
            Reason::malformed_request);
  const std::string_view bad[] = {{"A\xff\xff\xff\xff", 5},
                                  {"B\0\0\0\4\0\0\0\0", 9},
                                  {"A\0\0\0\4\0\0\0\1", 9},
                                  {"A\0\0\0\0", 5},
                                  {"A\0\0\0\x9\0\0\0\1\0\0\0\2x", 14},
                                  {"A\0\0\0\x5\0\0\0\0x", 10}};
  for (const auto bytes : bad) {
    const int fd = connected(place.path);
    EXPECT_EQ(::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
    char byte = 0;
    EXPECT_LE(::recv(fd, &byte, 1, 0), 0);
    ::close(fd);
  }
  EXPECT_EQ(runs, 0);
  EXPECT_EQ(*local_call(place.path, {"x"}, none), 1);
}

TEST(Local, ACallerThatGoesAwayDoesNotStopTheCommand) {
  const Place place;
  std::atomic<bool> ended{false};
  {
    const auto server =
        LocalServer::start(place.path, [&](const std::vector<std::string>&, const LocalEmit& emit) {
          for (int i = 0; i < 100; ++i) emit(1, std::string(60000, 'x'));
          ended = true;
          return 0;
        });
    const int fd = connected(place.path);
    EXPECT_EQ(::send(fd, "A\0\0\0\4\0\0\0\0", 9, 0), 9);
    ::close(fd);
    for (int i = 0; i < 500 && !ended; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_TRUE(ended);
}

TEST(Local, ALivingExchangeIsNotPushedAsideADeadOneIs) {
  const Place place;
  const LocalEmit none = [](int, std::string_view) {};
  EXPECT_EQ(local_call(place.path, {}, none).error().reason, Reason::peer_unreachable);
  {
    const auto first = LocalServer::start(place.path, repeat);
    const auto second = LocalServer::start(place.path, repeat);
    ASSERT_FALSE(second.has_value());
    EXPECT_EQ(second.error().reason, Reason::exchange_busy);
    EXPECT_TRUE(local_call(place.path, {}, none).has_value());
  }
  EXPECT_FALSE(std::filesystem::exists(place.path));
  const int left = ::socket(AF_UNIX, SOCK_STREAM, 0);  // a socket nobody listens on
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, place.path.c_str(), place.path.size() + 1);
  ASSERT_EQ(::bind(left, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ::close(left);
  EXPECT_TRUE(LocalServer::start(place.path, repeat).has_value());
  EXPECT_EQ(LocalServer::start(std::string(200, 'x'), repeat).error().reason, Reason::file_failed);
}

}  // namespace
}  // namespace amanat::net
