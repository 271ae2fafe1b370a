#include "actors/weights/version_store.hpp"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bit>
#include <csignal>
#include <fstream>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "schema/errc.hpp"
#include "tests/unit/weights/weight_files.hpp"

namespace tandem {
namespace {

namespace fs = std::filesystem;
using test::bytes_of;
using test::made_file;
using test::manifest_of;
using test::random_text;
using testing::HasSubstr;

constexpr std::uint32_t chunk_bytes = 4096;

class VersionStore : public testing::Test {
 protected:
  VersionStore() { open(); }

  void open() {
    store_.reset();
    auto opened = version_store::open(root(), limits_);
    ASSERT_TRUE(opened) << message_of(opened.error());
    store_ = *opened;
  }

  fs::path root() const { return folder_.path() / "store"; }
  fs::path source() const { return folder_.path() / "source"; }

  /// Writes the files of a version as somebody would have them.
  weight_manifest write_source(const std::vector<made_file>& files) const {
    fs::remove_all(source());
    for (const auto& [path, text] : files) {
      fs::create_directories((source() / path).parent_path());
      test::write_text(source() / path, text);
    }
    return manifest_of(files, chunk_bytes);
  }

  static weight_hash hash_of_version(const weight_manifest& manifest) {
    return hash_of(encode(manifest));
  }

  std::size_t had(const weight_hash& hash) const {
    std::size_t out = 0;
    for (const auto byte : store_->have(hash)) out += static_cast<std::size_t>(std::popcount(byte));
    return out;
  }

  caf::error put(const weight_manifest& manifest, std::size_t chunk, const std::string& text) {
    const auto at = manifest.place(chunk);
    return store_->put(hash_of_version(manifest), chunk,
                       bytes_of(std::string_view{text}.substr(at.offset, at.bytes)));
  }

  test::temp_folder folder_;
  version_store::options limits_{.free_bytes_min = 0};
  std::shared_ptr<version_store> store_;
};

TEST_F(VersionStore, WhatIsAddedIsCompleteReadOnlyAndStillThereAfterAnotherStart) {
  const auto text = random_text(10'000, 1);
  const auto manifest = write_source({{"a/b/c", "words"}, {"empty", ""}, {"model", text}});
  const auto hash = hash_of_version(manifest);
  ASSERT_FALSE(store_->add(manifest, source()));
  open();
  EXPECT_EQ(store_->list(), std::vector{hash});
  EXPECT_TRUE(store_->is_complete(hash));
  EXPECT_EQ(had(hash), 4u);
  const auto path = store_->path_of(hash);
  ASSERT_TRUE(path);
  EXPECT_EQ(test::read_text(*path / "model"), text);
  EXPECT_EQ(test::read_text(*path / "a/b/c"), "words");
  EXPECT_EQ(fs::file_size(*path / "empty"), 0u);
  EXPECT_EQ(fs::status(*path / "model").permissions(), fs::perms{0444});
  EXPECT_EQ(store_->bytes_on_disk(), manifest.bytes());
  EXPECT_EQ(*store_->manifest_bytes(hash), encode(manifest));
  EXPECT_TRUE(fs::is_empty(root() / "incoming"));
  std::vector<std::uint8_t> chunk;
  ASSERT_FALSE(store_->read(hash, 3, chunk));
  EXPECT_EQ(chunk.size(), 10'000 - 2 * chunk_bytes);
}

TEST_F(VersionStore, ALoneFileIsLoadedAsAFile) {
  write_source({{"whatever.gguf", test::gguf_text("llama", {{"w", {64, 2}, 1, 0}}, 256)}});
  const auto manifest = read_manifest(source() / "whatever.gguf");
  ASSERT_TRUE(manifest);
  ASSERT_FALSE(store_->add(*manifest, source() / "whatever.gguf"));
  EXPECT_TRUE(fs::is_regular_file(*store_->path_of(hash_of_version(*manifest))));
}

TEST_F(VersionStore, ASourceThatHasChangedIsNotAdded) {
  const auto manifest = write_source({{"model", random_text(10'000, 1)}});
  test::write_text(source() / "model", random_text(10'000, 2));
  const auto err = store_->add(manifest, source());
  EXPECT_EQ(code_of(err), errc::corrupted);
  EXPECT_THAT(message_of(err), HasSubstr("at byte 0"));
  fs::resize_file(source() / "model", 5'000);
  EXPECT_EQ(code_of(store_->add(manifest, source())), errc::corrupted);
  fs::remove(source() / "model");
  EXPECT_EQ(code_of(store_->add(manifest, source())), errc::invalid_argument);
  EXPECT_TRUE(store_->list().empty());
  EXPECT_EQ(store_->bytes_on_disk(), 0u);
  for (const auto* name : {"manifests", "incoming", "complete", "trash"})
    EXPECT_TRUE(fs::is_empty(root() / name)) << name;
}

TEST_F(VersionStore, AddingStopsWhenToldSo) {
  const auto manifest = write_source({{"model", random_text(10'000, 1)}});
  const std::atomic<bool> stop{true};
  EXPECT_EQ(code_of(store_->add(manifest, source(), &stop)), errc::cancelled);
  EXPECT_TRUE(store_->list().empty());
}

TEST_F(VersionStore, ChunksComeOneByOneAndMakeItWhole) {
  const auto text = random_text(10'000, 1);
  const auto manifest = manifest_of({{"model", text}}, chunk_bytes);
  const auto hash = hash_of_version(manifest);
  EXPECT_EQ(code_of(store_->put(hash, 0, bytes_of(text))), errc::not_found);
  ASSERT_FALSE(store_->begin(encode(manifest)));
  ASSERT_FALSE(store_->begin(encode(manifest)));
  EXPECT_EQ(code_of(store_->path_of(hash).error()), errc::not_found);
  ASSERT_FALSE(put(manifest, 2, text));
  EXPECT_EQ(store_->have(hash), std::vector<std::uint8_t>{4});
  EXPECT_EQ(code_of(store_->finish(hash)), errc::conflict);
  std::vector<std::uint8_t> chunk;
  EXPECT_EQ(code_of(store_->read(hash, 0, chunk)), errc::not_found);
  ASSERT_FALSE(store_->read(hash, 2, chunk));
  EXPECT_TRUE(std::equal(chunk.begin(), chunk.end(), bytes_of(text).begin() + 2 * chunk_bytes));
  ASSERT_FALSE(put(manifest, 0, text));
  ASSERT_FALSE(put(manifest, 0, text));
  EXPECT_FALSE(store_->is_complete(hash));
  ASSERT_FALSE(put(manifest, 1, text));
  ASSERT_FALSE(store_->finish(hash));
  ASSERT_FALSE(store_->finish(hash));
  EXPECT_EQ(test::read_text(*store_->path_of(hash)), text);
}

TEST_F(VersionStore, BytesThatAreNotTheChunkAreNotTaken) {
  const auto text = random_text(10'000, 1);
  const auto manifest = manifest_of({{"model", text}}, chunk_bytes);
  const auto hash = hash_of_version(manifest);
  ASSERT_FALSE(store_->begin(encode(manifest)));
  const auto first = std::string_view{text}.substr(0, chunk_bytes);
  EXPECT_EQ(code_of(store_->put(hash, 1, bytes_of(first))), errc::corrupted);
  EXPECT_EQ(code_of(store_->put(hash, 0, bytes_of(first.substr(1)))), errc::corrupted);
  EXPECT_EQ(code_of(store_->put(hash, 3, bytes_of(first))), errc::invalid_argument);
  EXPECT_EQ(had(hash), 0u);
}

TEST_F(VersionStore, ManifestsThatLeadOutOfTheFolderBeginNothing) {
  const auto manifest = manifest_of({{"../../escaped", "text"}}, chunk_bytes);
  EXPECT_EQ(code_of(store_->begin(encode(manifest))), errc::malformed_message);
  EXPECT_EQ(code_of(store_->begin("nonsense")), errc::malformed_message);
  EXPECT_TRUE(store_->list().empty());
}

TEST_F(VersionStore, ChunksThatOtherVersionsHaveAreNotFetchedAgain) {
  auto text = random_text(40'960, 1);
  const auto old = write_source({{"model", text}});
  ASSERT_FALSE(store_->add(old, source()));
  text.replace(3 * chunk_bytes, 10, "0123456789");
  // Equal chunks are found wherever they lie.
  const auto next =
      manifest_of({{"a", text.substr(8 * chunk_bytes)}, {"model", text}}, chunk_bytes);
  ASSERT_FALSE(store_->begin(encode(next)));
  const auto hash = hash_of_version(next);
  EXPECT_EQ(had(hash), 11u);
  EXPECT_FALSE(store_->has_chunk(hash, 2 + 3));
  const auto damaged = *store_->path_of(hash_of_version(old));
  fs::permissions(damaged, fs::perms{0644});
  test::write_text(damaged, std::string(40'960, 'x'));
  const auto third = manifest_of({{"b", text}}, chunk_bytes);
  ASSERT_FALSE(store_->begin(encode(third)));
  EXPECT_EQ(had(hash_of_version(third)), 0u) << "a damaged file gives nothing";
}

TEST_F(VersionStore, TheBaseOfDifferencesIsTheCompleteVersionWithMostInCommon) {
  const auto one = write_source({{"a", random_text(9'000, 1)}, {"b", random_text(5'000, 2)}});
  ASSERT_FALSE(store_->add(one, source()));
  const auto two = write_source({{"a", random_text(9'000, 3)}, {"b", random_text(5'001, 4)}});
  ASSERT_FALSE(store_->add(two, source()));
  const auto next =
      manifest_of({{"a", random_text(9'000, 5)}, {"b", random_text(5'000, 6)}}, chunk_bytes);
  EXPECT_EQ(store_->base_for(next), hash_of_version(one));
  ASSERT_FALSE(store_->begin(encode(next)));
  EXPECT_EQ(store_->base_for(next), hash_of_version(one)) << "itself never, incomplete ones never";
  EXPECT_EQ(store_->base_for(one), hash_of_version(two));
  EXPECT_EQ(store_->base_for(manifest_of({{"c", "text"}}, chunk_bytes)), std::nullopt);
}

TEST_F(VersionStore, WhatIsRemovedIsGoneButForWhoHasItOpen) {
  const auto manifest = write_source({{"model", random_text(10'000, 1)}});
  const auto hash = hash_of_version(manifest);
  ASSERT_FALSE(store_->add(manifest, source()));
  const int reader = ::open(store_->path_of(hash)->c_str(), O_RDONLY | O_CLOEXEC);
  ASSERT_FALSE(store_->remove(hash));
  EXPECT_TRUE(store_->list().empty());
  EXPECT_EQ(code_of(store_->remove(hash)), errc::not_found);
  EXPECT_TRUE(fs::is_empty(root() / "complete"));
  char byte = 0;
  EXPECT_EQ(::pread(reader, &byte, 1, 9'999), 1);
  ::close(reader);
  ASSERT_FALSE(store_->begin(encode(manifest)));
  ASSERT_FALSE(store_->remove(hash));
  EXPECT_TRUE(fs::is_empty(root() / "incoming"));
  EXPECT_TRUE(fs::is_empty(root() / "manifests"));
}

TEST_F(VersionStore, BeginRefusesWhatHasNoRoomAndSaysHowMuchIsMissing) {
  limits_.bytes_max = 15'000;
  open();
  const auto one = write_source({{"model", random_text(10'000, 1)}});
  ASSERT_FALSE(store_->add(one, source()));
  const auto two = manifest_of({{"model", random_text(8'000, 2)}}, chunk_bytes);
  const auto err = store_->begin(encode(two));
  EXPECT_EQ(code_of(err), errc::storage_failed);
  EXPECT_THAT(message_of(err), HasSubstr("3000 bytes more are needed"));
  limits_ = {.free_bytes_min = std::uint64_t{1} << 60};
  open();
  EXPECT_THAT(message_of(store_->begin(encode(two))),
              HasSubstr("bytes more are needed, on the disk"));
  EXPECT_EQ(store_->list().size(), 1u);
}

TEST_F(VersionStore, ADiskThatIsFullIsFoundBeforeAnythingIsMoved) {
  const auto small = folder_.path() / "small";
  fs::create_directory(small);
  if (::mount("tmpfs", small.c_str(), "tmpfs", 0, "size=1m") != 0)
    GTEST_SKIP() << "only root can mount";
  {
    const auto store = *version_store::open(small, limits_);
    const auto fits = manifest_of({{"a", random_text(600'000, 1)}}, chunk_bytes);
    EXPECT_FALSE(store->begin(encode(fits)));
    const auto other = manifest_of({{"a", random_text(600'000, 2)}}, chunk_bytes);
    const auto err = store->begin(encode(other));
    EXPECT_EQ(code_of(err), errc::storage_failed);
    EXPECT_THAT(message_of(err), HasSubstr("bytes more are needed"));
    EXPECT_EQ(store->list().size(), 1u);
    // The disk fills up beside it: what has room has it.
    std::ofstream{small / "other"} << std::string(1 << 20, 'x');
    const auto text = random_text(600'000, 1);
    for (std::size_t i = 0; i < fits.chunk_count(); ++i) {
      const auto at = fits.place(i);
      EXPECT_FALSE(store->put(hash_of_version(fits), i,
                              bytes_of(std::string_view{text}.substr(at.offset, at.bytes))));
    }
    EXPECT_FALSE(store->finish(hash_of_version(fits)));
  }
  ::umount(small.c_str());
}

TEST_F(VersionStore, ManyThreadsPutAtOnce) {
  const auto text = random_text(400'000, 1);
  const auto manifest = manifest_of({{"model", text}}, chunk_bytes);
  ASSERT_FALSE(store_->begin(encode(manifest)));
  {
    std::vector<std::jthread> threads;
    for (std::size_t t = 0; t < 4; ++t)
      threads.emplace_back([&, t] {
        // Each chunk by two of them.
        for (std::size_t i = 0; i < manifest.chunk_count(); ++i)
          if (i % 4 == t || (i + 1) % 4 == t) {
            EXPECT_FALSE(put(manifest, i, text));
          }
      });
  }
  const auto hash = hash_of_version(manifest);
  open();
  EXPECT_EQ(had(hash), manifest.chunk_count());
  ASSERT_FALSE(store_->finish(hash));
  EXPECT_EQ(test::read_text(*store_->path_of(hash)), text);
}

TEST_F(VersionStore, MarksThatOutlivedTheirDataAreNotTrusted) {
  const auto text = random_text(40'960, 1);
  const auto manifest = manifest_of({{"model", text}}, chunk_bytes);
  const auto hash = hash_of_version(manifest);
  ASSERT_FALSE(store_->begin(encode(manifest)));
  for (std::size_t i = 0; i < 6; ++i) ASSERT_FALSE(put(manifest, i, text));
  store_.reset();
  // As a power cut leaves it: the mark is on the disk, the data is not.
  const auto file = root() / "incoming" / to_hex(hash) / "model";
  {
    std::fstream out{file, std::ios::in | std::ios::out};
    out.seekp(2 * chunk_bytes);
    out << std::string(chunk_bytes, '\0');
  }
  std::ofstream{root() / "incoming" / (to_hex(hash) + ".have"), std::ios::app} << "torn";
  open();
  EXPECT_EQ(store_->have(hash), (std::vector<std::uint8_t>{0b111011, 0}));
  ASSERT_FALSE(store_->begin(encode(manifest)));
  ASSERT_FALSE(put(manifest, 2, text));
  open();
  EXPECT_EQ(had(hash), 6u);
  for (std::size_t i = 6; i < 10; ++i) ASSERT_FALSE(put(manifest, i, text));
  ASSERT_FALSE(store_->finish(hash));
  EXPECT_EQ(test::read_text(*store_->path_of(hash)), text);
}

TEST_F(VersionStore, WhatWasHalfBegunOrHalfRemovedIsClearedAway) {
  const auto manifest = manifest_of({{"model", random_text(10'000, 1)}}, chunk_bytes);
  const auto name = to_hex(hash_of_version(manifest));
  store_.reset();
  test::write_text(root() / "manifests" / name, encode(manifest));
  fs::create_directories(root() / "incoming" / name);
  test::write_text(root() / "manifests" / (name + ".new"), "half");
  fs::create_directories(root() / "trash/3/a");
  fs::create_directories(root() / "complete" / std::string(64, '0'));
  open();
  EXPECT_TRUE(store_->list().empty());
  for (const auto* folder : {"manifests", "incoming", "complete", "trash"})
    EXPECT_TRUE(fs::is_empty(root() / folder)) << folder;
}

TEST_F(VersionStore, OnlyOneProcessHasItOpen) {
  EXPECT_EQ(code_of(version_store::open(root(), limits_).error()), errc::locked);
}

/// A child puts chunk after chunk, says each that it has put, and is killed at some moment.
TEST_F(VersionStore, EveryChunkThatWasPutSurvivesKill) {
  const auto text = random_text(400 * chunk_bytes, 1);
  const auto manifest = manifest_of({{"x/model", text}}, chunk_bytes);
  const auto hash = hash_of_version(manifest);
  store_.reset();
  std::mt19937 dice{7};
  for (int round = 0; round < 200; ++round) {
    int pipe[2];
    ASSERT_EQ(::pipe(pipe), 0);
    const auto child = ::fork();
    if (child == 0) {
      const auto store = version_store::open(root(), limits_);
      if (!store || (*store)->begin(encode(manifest))) ::_exit(1);
      for (std::uint32_t i = 0; i < 400; ++i) {
        if ((*store)->has_chunk(hash, i)) continue;
        const auto piece = std::string_view{text}.substr(i * chunk_bytes, chunk_bytes);
        if ((*store)->put(hash, i, bytes_of(piece))) ::_exit(2);
        if (::write(pipe[1], &i, sizeof(i)) != sizeof(i)) ::_exit(3);
      }
      ::_exit((*store)->finish(hash) ? 4 : 0);
    }
    ::close(pipe[1]);
    std::vector<std::uint32_t> said;
    std::uint32_t chunk = 0;
    // Killed after some of them, in the first rounds before any.
    const auto kill_after = dice() % 6;
    while (said.size() < kill_after && ::read(pipe[0], &chunk, sizeof(chunk)) == sizeof(chunk))
      said.push_back(chunk);
    ::kill(child, SIGKILL);
    while (::read(pipe[0], &chunk, sizeof(chunk)) == sizeof(chunk)) said.push_back(chunk);
    ::close(pipe[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    const auto ended = WIFEXITED(status);
    if (ended) {
      EXPECT_EQ(WEXITSTATUS(status), 0);
    }
    open();
    for (const auto put : said) EXPECT_TRUE(store_->has_chunk(hash, put)) << put;
    std::vector<std::uint8_t> bytes;
    for (std::size_t i = 0; i < 400; i += 37) {
      if (!store_->has_chunk(hash, i)) continue;
      EXPECT_FALSE(store_->read(hash, i, bytes));
      EXPECT_EQ(hash_of({reinterpret_cast<const char*>(bytes.data()), bytes.size()}),
                manifest.chunk_hash(i));
    }
    const auto whole = store_->is_complete(hash);
    if (whole) {
      EXPECT_EQ(test::read_text(*store_->path_of(hash)), text);
      ASSERT_FALSE(store_->remove(hash));
    }
    store_.reset();
  }
}

}  // namespace
}  // namespace tandem
