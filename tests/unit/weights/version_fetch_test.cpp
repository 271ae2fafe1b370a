// Servers and fetches over real TLS, in one process and in two.

#include <csignal>
#include <fstream>
#include <mutex>

#include <sys/wait.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/weights/weights_nodes.hpp"

namespace tandem::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

constexpr std::uint32_t chunk = 16 * 1024;
constexpr std::size_t chunks = 100;

class VersionFetch : public ::testing::Test {
 protected:
  weights_node node(const std::string& name) {
    return {folder_.path(), folder_.path() / "ca", name};
  }
  std::unique_ptr<weights_node> source(const std::string& name, std::uint64_t bytes_per_s = 0) {
    auto out = std::make_unique<weights_node>(folder_.path(), folder_.path() / "ca", name);
    out->add(version_);
    out->serve(bytes_per_s);
    return out;
  }
  void expect_whole(const weights_node& at, const made_version& version) {
    EXPECT_TRUE(at.store()->is_complete(version.hash));
    for (const auto& file : version.manifest.files)
      EXPECT_TRUE(file_text(at, version.hash, file.path) == read_text(version.folder / file.path));
  }
  /// Flips one byte of a file that a node has, on its disk.
  void corrupt(const weights_node& at, std::size_t byte) {
    auto file = *at.store()->path_of(version_.hash);
    if (std::filesystem::is_directory(file)) file /= "0";
    std::filesystem::permissions(file, std::filesystem::perms::owner_all);
    std::fstream stream{file, std::ios::in | std::ios::out | std::ios::binary};
    stream.seekg(static_cast<std::streamoff>(byte));
    char was = 0;
    stream.get(was);
    stream.seekp(static_cast<std::streamoff>(byte));
    stream.put(static_cast<char>(was ^ 1));
  }

  temp_folder folder_;
  std::vector<std::vector<std::uint8_t>> files_{noise((chunks - 1) * chunk, 1), noise(100, 2)};
  made_version version_ = make_version(folder_.path() / "files", files_, chunk);
};

TEST_F(VersionFetch, BringsAVersionFromOneThatHasIt) {
  auto from = source("from");
  auto to = node("to");
  auto end = fetch_from(to, version_.hash, {from->as_peer(version_.hash)});
  ASSERT_FALSE(end.error) << message_of(end.error);
  expect_whole(to, version_);
  EXPECT_EQ(end.progress.done_bytes, version_.manifest.bytes());
  EXPECT_EQ(end.progress.total_bytes, version_.manifest.bytes());
  EXPECT_GE(end.progress.moved_bytes, version_.manifest.bytes());
  EXPECT_LT(end.progress.moved_bytes, version_.manifest.bytes() * 105 / 100);
  EXPECT_THAT(end.progress.avoided, IsEmpty());
}

TEST_F(VersionFetch, WhatIsHereAlreadyNeedsNobody) {
  auto at = node("at");
  at.add(version_);
  auto end = fetch_from(at, version_.hash, {});
  EXPECT_FALSE(end.error) << message_of(end.error);
  EXPECT_EQ(end.progress.moved_bytes, 0u);
}

TEST_F(VersionFetch, WaitsForSomebodyWhoHasWhatIsMissing) {
  auto from = source("from");
  auto to = node("to");
  auto said = from->as_peer(version_.hash);
  said.have.assign(said.have.size(), 0);
  said.have[0] = 0xff;
  running_fetch fetch{to, version_.hash, to.fetch_options()};
  fetch.peers({said});
  while (!to.store()->has_chunk(version_.hash, 7)) std::this_thread::yield();
  EXPECT_FALSE(fetch.has_ended(std::chrono::milliseconds{50}));
  fetch.peers({from->as_peer(version_.hash)});
  EXPECT_FALSE(fetch.wait().error);
  expect_whole(to, version_);
}

TEST_F(VersionFetch, APeerThatSaysMoreThanItHasIsNoLiar) {
  auto from = source("from");
  auto half = node("half");
  half.serve();
  ASSERT_FALSE(half.store()->begin(encode(version_.manifest)));
  auto said = half.as_peer(version_.hash);
  said.have = from->as_peer(version_.hash).have;
  auto to = node("to");
  auto end = fetch_from(to, version_.hash, {said, from->as_peer(version_.hash)});
  ASSERT_FALSE(end.error) << message_of(end.error);
  EXPECT_THAT(end.progress.avoided, IsEmpty());
}

TEST_F(VersionFetch, APeerWithACorruptedByteIsNamedAndAvoided) {
  auto good = source("good"), bad = source("bad");
  for (std::size_t i = 0; i + 1 < chunks; ++i) corrupt(*bad, i * chunk + 77);
  auto to = node("to");
  auto end =
      fetch_from(to, version_.hash, {bad->as_peer(version_.hash), good->as_peer(version_.hash)});
  ASSERT_FALSE(end.error) << message_of(end.error);
  expect_whole(to, version_);
  ASSERT_EQ(end.progress.avoided.size(), 1u);
  EXPECT_THAT(end.progress.avoided[0], StartsWith("bad: chunk "));
  EXPECT_THAT(end.progress.avoided[0], HasSubstr("does not match its hash"));
}

TEST_F(VersionFetch, OneCorruptedByteAtTheOnlyPeerEndsItWithTheReason) {
  auto bad = source("bad");
  corrupt(*bad, 5 * chunk);
  auto to = node("to");
  auto end = fetch_from(to, version_.hash, {bad->as_peer(version_.hash)});
  EXPECT_EQ(code_of(end.error), errc::unavailable);
  EXPECT_THAT(message_of(end.error), HasSubstr("bad: chunk 5 of '0' does not match its hash"));
  EXPECT_FALSE(to.store()->is_complete(version_.hash));
}

TEST_F(VersionFetch, NobodyOfAnotherClusterIsBelieved) {
  weights_node stranger{folder_.path(), folder_.path() / "other-ca", "stranger"};
  stranger.add(version_);
  stranger.serve();
  auto to = node("to");
  auto end = fetch_from(to, version_.hash, {stranger.as_peer(version_.hash)});
  EXPECT_EQ(code_of(end.error), errc::unavailable);
  EXPECT_THAT(message_of(end.error), HasSubstr("stranger: TLS failed"));
  EXPECT_EQ(stranger.server().bytes_sent(), 0u);
}

TEST_F(VersionFetch, AnotherGoesOnWhenAServerDiesInTheMiddle) {
  constexpr std::uint64_t slowly = 2'000'000;
  auto first = source("first", slowly);
  auto second = source("second");
  auto to = node("to");
  running_fetch fetch{to, version_.hash, to.fetch_options()};
  fetch.peers({first->as_peer(version_.hash)});
  while (first->server().bytes_sent() < 20 * chunk) std::this_thread::yield();
  auto both = std::vector{first->as_peer(version_.hash), second->as_peer(version_.hash)};
  first->stop_serving();
  fetch.peers(both);
  auto end = fetch.wait();
  ASSERT_FALSE(end.error) << message_of(end.error);
  expect_whole(to, version_);
  // What was under way, and no more, came twice.
  EXPECT_LT(end.progress.moved_bytes, version_.manifest.bytes() + 8 * chunk);
}

TEST_F(VersionFetch, AServerThatComesBackElsewhereIsAskedAgain) {
  auto from = source("from", 2'000'000);
  auto to = node("to");
  running_fetch fetch{to, version_.hash, to.fetch_options()};
  fetch.peers({from->as_peer(version_.hash)});
  while (from->server().bytes_sent() < 20 * chunk) std::this_thread::yield();
  from->stop_serving();
  from->serve();
  fetch.peers({from->as_peer(version_.hash)});
  EXPECT_FALSE(fetch.wait().error);
  expect_whole(to, version_);
}

TEST_F(VersionFetch, MovesOnlyDifferencesWhereBothHaveABase) {
  auto from = source("from");
  auto to = node("to");
  to.add(version_);
  auto changed = files_;
  std::mt19937_64 random{5};
  for (std::size_t i = 0; i < changed[0].size() / 200; ++i)
    changed[0][random() % changed[0].size()] ^= 1;
  auto next = make_version(folder_.path() / "next", changed, chunk);
  from->add(next);
  auto end = fetch_from(to, next.hash, {from->as_peer(next.hash, {version_.hash})});
  ASSERT_FALSE(end.error) << message_of(end.error);
  expect_whole(to, next);
  EXPECT_LT(end.progress.moved_bytes, next.manifest.bytes() / 10);
}

TEST_F(VersionFetch, AWrongDifferenceIsReplacedByTheWholeChunk) {
  auto from = source("from");
  auto to = node("to");
  to.add(version_);
  auto changed = files_;
  for (std::size_t i = 0; i < chunks - 1; ++i) changed[0][i * chunk + 9] ^= 1;
  auto next = make_version(folder_.path() / "next", changed, chunk);
  from->add(next);
  // Its base is not what it says, the version is.
  corrupt(*from, 3 * chunk + 1000);
  auto end = fetch_from(to, next.hash, {from->as_peer(next.hash, {version_.hash})});
  ASSERT_FALSE(end.error) << message_of(end.error);
  expect_whole(to, next);
  EXPECT_THAT(end.progress.avoided, IsEmpty());
}

TEST_F(VersionFetch, ThreeAtOnceGiveEachOtherWhatTheyHave) {
  auto from = source("from", 4'000'000);
  std::vector<std::unique_ptr<weights_node>> nodes;
  std::vector<std::unique_ptr<running_fetch>> fetches;
  for (std::size_t i = 0; i < 3; ++i) {
    nodes.push_back(std::make_unique<weights_node>(folder_.path(), folder_.path() / "ca",
                                                   "n" + std::to_string(i)));
    nodes.back()->serve();
  }
  for (std::size_t i = 0; i < 3; ++i)
    fetches.push_back(
        std::make_unique<running_fetch>(*nodes[i], version_.hash, nodes[i]->fetch_options(), i));
  auto tell = [&] {
    for (std::size_t i = 0; i < 3; ++i) {
      std::vector<chunk_peer> peers{from->as_peer(version_.hash)};
      for (std::size_t j = 0; j < 3; ++j)
        if (i != j) peers.push_back(nodes[j]->as_peer(version_.hash));
      fetches[i]->peers(std::move(peers));
    }
  };
  for (std::size_t done = 0; done < 3;) {
    tell();
    done = 0;
    for (auto& each : fetches) done += each->has_ended(std::chrono::milliseconds{10}) ? 1 : 0;
  }
  for (std::size_t i = 0; i < 3; ++i) {
    auto end = fetches[i]->wait();
    EXPECT_FALSE(end.error) << message_of(end.error);
    expect_whole(*nodes[i], version_);
  }
  // Alone it would have sent three of them.
  EXPECT_LT(from->server().bytes_sent(), version_.manifest.bytes() * 22 / 10);
}

TEST_F(VersionFetch, GoesOnWhereAKilledOneWas) {
  auto from = source("from", 2'000'000);
  auto peer = from->as_peer(version_.hash);
  (void)node("to");
  auto child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    auto to = node("to");
    (void)fetch_from(to, version_.hash, {peer});
    ::_exit(0);
  }
  while (from->server().bytes_sent() < version_.manifest.bytes() / 2) std::this_thread::yield();
  ::kill(child, SIGKILL);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  auto to = node("to");
  auto had = to.store()->have(version_.hash);
  std::size_t kept = 0;
  for (auto each : had) kept += static_cast<std::size_t>(__builtin_popcount(each));
  EXPECT_GE(kept, chunks / 2 - 8 - 2);
  auto end = fetch_from(to, version_.hash, {peer});
  ASSERT_FALSE(end.error) << message_of(end.error);
  expect_whole(to, version_);
  EXPECT_LT(end.progress.moved_bytes, (chunks - kept + 1) * chunk);
}

TEST_F(VersionFetch, KeepsToItsLimitOfRate) {
  auto from = source("from");
  auto to = node("to");
  auto options = to.fetch_options();
  options.bytes_per_s = 8'000'000;
  auto began = std::chrono::steady_clock::now();
  ASSERT_FALSE(fetch_from(to, version_.hash, {from->as_peer(version_.hash)}, options).error);
  std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  // Never faster; slower it may be, on a busy machine.
  EXPECT_GT(took.count(), 0.8 * static_cast<double>(version_.manifest.bytes()) / 8e6);
}

TEST_F(VersionFetch, CanBeDroppedAtAnyTime) {
  auto from = source("from", 4'000'000);
  for (std::size_t part : {0, 1, 10, 30}) {
    auto to = node("to" + std::to_string(part));
    running_fetch fetch{to, version_.hash, to.fetch_options()};
    fetch.peers({from->as_peer(version_.hash)});
    auto until = from->server().bytes_sent() + part * chunk;
    while (from->server().bytes_sent() < until) std::this_thread::yield();
    fetch.drop();
  }
}

TEST_F(VersionFetch, MayBeDroppedByItsOwnLastCall) {
  auto from = source("from");
  auto to = node("to");
  std::promise<void> over;
  std::unique_ptr<version_fetch> fetch;
  std::mutex made;
  std::unique_lock lock{made};
  fetch = std::make_unique<version_fetch>(
      to.store(), version_.hash, to.fetch_options(), 1,
      version_fetch::events{{}, [&](const caf::error&, const fetch_progress&) {
                              std::lock_guard wait{made};
                              fetch.reset();
                              over.set_value();
                            }});
  fetch->peers({from->as_peer(version_.hash)});
  lock.unlock();
  ASSERT_EQ(over.get_future().wait_for(std::chrono::seconds{60}), std::future_status::ready);
  expect_whole(to, version_);
}

}  // namespace
}  // namespace tandem::test
