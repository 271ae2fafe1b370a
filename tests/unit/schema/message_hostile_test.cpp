// Bytes from outside: refused, or readable and copyable without an exception. Nothing in between.

#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <random>

#include "schema/attempt.capnp.h"
#include "schema/decision.capnp.h"
#include "schema/job.capnp.h"
#include "schema/journal.capnp.h"
#include "schema/message.hpp"
#include "schema/topology.capnp.h"
#include "tests/unit/schema/message_walk.hpp"
#include "tests/unit/schema/sample.hpp"

namespace tandem::testing {
namespace {

using bytes = std::vector<std::byte>;

template <class T>
bytes bytes_of(const message<T>& m) {
  return {m.bytes().begin(), m.bytes().end()};
}

bytes bytes_of(const std::vector<std::uint64_t>& words) {
  bytes out(words.size() * sizeof(std::uint64_t));
  std::memcpy(out.data(), words.data(), out.size());
  return out;
}

/// One segment with these words.
bytes segment(std::vector<std::uint64_t> words) {
  words.insert(words.begin(), std::uint64_t{words.size()} << 32);
  return bytes_of(words);
}

std::uint64_t struct_pointer(std::int32_t offset, std::uint64_t data, std::uint64_t pointers) {
  return (static_cast<std::uint32_t>(offset) << 2 & 0xFFFF'FFFCu) | data << 32 | pointers << 48;
}

/// Element sizes: 0 void, 1 bit, 2 byte, 3 two, 4 four, 5 eight bytes, 6 pointer, 7 structs (count
/// in words).
std::uint64_t list_pointer(std::int32_t offset, std::uint64_t element, std::uint64_t count) {
  return 1u | (static_cast<std::uint32_t>(offset) << 2 & 0xFFFF'FFFCu) | element << 32 |
         count << 35;
}

template <class T>
bool refused(const bytes& b, const message_limits& limits = {}) {
  auto parsed = message<T>::parse(b, limits);
  if (parsed) {
    walk(*parsed);
    return false;
  }
  EXPECT_EQ(code_of(parsed.error()), errc::malformed_message);
  EXPECT_FALSE(message_of(parsed.error()).empty());
  return true;
}

/// The struct's size on the wire.
template <class T>
std::pair<std::uint16_t, std::uint16_t> size_of() {
  auto proto = capnp::Schema::from<T>().getProto().getStruct();
  return {proto.getDataWordCount(), proto.getPointerCount()};
}

template <class T>
unsigned slot_of(const char* field) {
  return capnp::Schema::from<T>().getFieldByName(field).getProto().getSlot().getOffset();
}

/// A message of T without data whose pointer `field` is `pointer`; `rest` follows the root struct.
/// Offsets count from the pointer, so `to_rest` is what leads to the first word of `rest`.
template <class T>
bytes with_pointer(const char* field,
                   const std::function<std::uint64_t(std::int32_t to_rest)>& pointer,
                   const std::vector<std::uint64_t>& rest) {
  auto [data, pointers] = size_of<T>();
  auto slot = slot_of<T>(field);
  std::vector<std::uint64_t> words(1u + data + pointers);
  words[0] = struct_pointer(0, data, pointers);
  words[1u + data + slot] = pointer(static_cast<std::int32_t>(pointers - slot - 1));
  words.insert(words.end(), rest.begin(), rest.end());
  return segment(words);
}

template <class T>
class hostile : public ::testing::Test {};

using types = ::testing::Types<schema::Submit, schema::JobView, schema::JobEvents, schema::Attempt,
                               schema::TextChunk, schema::AttemptResult, schema::Decision,
                               schema::Topology, schema::JobRecord>;
TYPED_TEST_SUITE(hostile, types);

TYPED_TEST(hostile, EveryTruncationIsRefused) {
  auto whole = bytes_of(sample<TypeParam>());
  ASSERT_FALSE(refused<TypeParam>(whole));
  for (std::size_t size = 0; size < whole.size(); ++size)
    ASSERT_TRUE(
        refused<TypeParam>({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)}))
        << size;
}

TYPED_TEST(hostile, BytesBehindTheEndAreRefused) {
  auto whole = bytes_of(sample<TypeParam>());
  for (int extra = 1; extra < 24; ++extra) {
    whole.push_back(std::byte{0});
    EXPECT_TRUE(refused<TypeParam>(whole));
  }
}

TYPED_TEST(hostile, EverySingleBitFlipIsRefusedOrHarmless) {
  const auto whole = bytes_of(sample<TypeParam>());
  std::size_t bad = 0;
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    auto flipped = whole;
    flipped[bit / 8] ^= std::byte{1} << (bit % 8);
    ASSERT_NO_THROW(bad += refused<TypeParam>(flipped) ? 1 : 0) << "bit " << bit;
  }
  EXPECT_GT(bad, whole.size() / 4) << "the check sees next to nothing";
  EXPECT_LT(bad, whole.size() * 8);
}

TYPED_TEST(hostile, RandomDamageIsRefusedOrHarmless) {
  std::mt19937_64 random{11};
  for (unsigned round = 0; round < 4'000; ++round) {
    auto damaged = bytes_of(sample<TypeParam>(round));
    auto words = damaged.size() / 8;
    for (auto hits = 1 + random() % 4; hits > 0; --hits) {
      std::uint64_t value = random() % 3 == 0 ? random() : random() % 64;
      if (random() % 3 == 0) value = ~std::uint64_t{0} << random() % 64;
      std::memcpy(damaged.data() + 8 * (random() % words) + random() % 8 / 4 * 4, &value, 4);
    }
    ASSERT_NO_THROW(static_cast<void>(refused<TypeParam>(damaged))) << "round " << round;
  }
}

TYPED_TEST(hostile, RandomWordsAreRefusedOrHarmless) {
  std::mt19937_64 random{12};
  for (int round = 0; round < 4'000; ++round) {
    std::vector<std::uint64_t> words(1 + random() % 40);
    // Pointers that lead somewhere near are likelier than not.
    for (auto& word : words)
      word = (random() % 16) << 2 | random() % 4 | (random() % 12) << 32 | (random() % 8) << 48;
    ASSERT_NO_THROW(static_cast<void>(refused<TypeParam>(segment(words))));
  }
}

TEST(hostile_sizes, LyingSegmentTablesAreRefused) {
  auto whole = bytes_of(sample<schema::Submit>());
  for (std::uint32_t count : {1u, 2u, 511u, 512u, 513u, 0x7FFF'FFFFu, 0xFFFF'FFFEu}) {
    auto lie = whole;
    std::memcpy(lie.data(), &count, 4);
    EXPECT_TRUE(refused<schema::Submit>(lie)) << count;
  }
  for (std::uint32_t size : {0u, 1u, 0x1FFF'FFFFu, 0x7FFF'FFFFu, 0xFFFF'FFFFu}) {
    auto lie = whole;
    std::memcpy(lie.data() + 4, &size, 4);
    EXPECT_TRUE(refused<schema::Submit>(lie)) << size;
  }
  // A count that wraps around to none: Cap'n Proto reads the first segment all the same.
  std::memset(whole.data(), 0xFF, 4);
  EXPECT_NO_THROW(static_cast<void>(refused<schema::Submit>(whole)));
  EXPECT_TRUE(refused<schema::Submit>({}));
  EXPECT_TRUE(refused<schema::Submit>(bytes(8)));
}

TEST(hostile_sizes, SizesAboveTheLimitAreRefusedBeforeAnythingElse) {
  auto whole = bytes_of(sample<schema::Submit>());
  EXPECT_FALSE(refused<schema::Submit>(whole, {.words_max = whole.size() / 8}));
  EXPECT_TRUE(refused<schema::Submit>(whole, {.words_max = whole.size() / 8 - 1}));
  EXPECT_TRUE(refused<schema::Submit>(bytes((1u << 20) + 8)));
}

TEST(hostile_sizes, AbsurdListsAreRefused) {
  for (const char* field : {"messages", "tags"}) {
    for (std::uint64_t element = 0; element < 8; ++element) {
      for (std::uint64_t count :
           {std::uint64_t{3}, std::uint64_t{1} << 20, (std::uint64_t{1} << 29) - 1}) {
        auto lie = with_pointer<schema::Submit>(
            field, [&](std::int32_t to_rest) { return list_pointer(to_rest, element, count); },
            {0});
        if (element == 0 || count == 3) {
          // Nothing at all three times may be let through; it then has to be readable.
          ASSERT_NO_THROW(static_cast<void>(refused<schema::Submit>(lie)));
          if (count == 3) continue;
        }
        EXPECT_TRUE(refused<schema::Submit>(lie)) << field << ' ' << element << ' ' << count;
      }
    }
  }
}

TEST(hostile_sizes, EndlessListsOfEmptyStructsAreRefused) {
  for (std::uint32_t count : {1u << 16, 1u << 24, (1u << 29) - 1}) {
    auto lie = with_pointer<schema::Submit>(
        "messages", [](std::int32_t to_rest) { return list_pointer(to_rest, 7, 0); },
        {std::uint64_t{count} << 2});
    EXPECT_TRUE(refused<schema::Submit>(lie)) << count;
  }
}

TEST(hostile_pointers, PointersOutOfTheMessageAreRefused) {
  for (std::int32_t offset : {-1'000, -20, 1'000, 0x1FFF'FFFF, -0x2000'0000}) {
    EXPECT_TRUE(refused<schema::Submit>(with_pointer<schema::Submit>(
        "tenant", [&](std::int32_t) { return list_pointer(offset, 2, 8); }, {0, 0})));
    EXPECT_TRUE(refused<schema::Submit>(segment({struct_pointer(offset, 1, 1)})));
  }
  // Far pointers to segments that are not there, capabilities, and reserved kinds.
  for (std::uint64_t pointer : {std::uint64_t{2}, std::uint64_t{6}, 2 | std::uint64_t{7} << 32,
                                std::uint64_t{3}, 3 | std::uint64_t{1} << 32, std::uint64_t{7}})
    EXPECT_TRUE(refused<schema::Submit>(
        with_pointer<schema::Submit>("tenant", [&](std::int32_t) { return pointer; }, {0})));
}

TEST(hostile_pointers, SharedListsThatBlowTheMessageUpAreRefused) {
  // Every job of a list has the same long list of tags, each tag the same long text.
  auto [data, pointers] = size_of<schema::JobSummary>();
  constexpr std::uint32_t jobs = 200;
  constexpr std::uint32_t tags = 200;
  constexpr std::uint32_t text_words = 200;
  std::vector<std::uint64_t> rest{struct_pointer(static_cast<std::int32_t>(jobs), data, pointers)};
  auto summary_words = static_cast<std::uint32_t>(data + pointers);
  auto tags_at = 1 + jobs * summary_words;
  auto text_at = tags_at + tags;
  rest.resize(text_at + text_words);
  for (std::uint32_t job = 0; job < jobs; ++job) {
    auto at = 1 + job * summary_words + data + slot_of<schema::JobSummary>("tags");
    rest[at] = list_pointer(static_cast<std::int32_t>(tags_at - at - 1), 6, tags);
  }
  for (std::uint32_t tag = 0; tag < tags; ++tag)
    rest[tags_at + tag] =
        list_pointer(static_cast<std::int32_t>(text_at - (tags_at + tag) - 1), 2, text_words * 8);
  for (std::uint32_t word = 0; word < text_words; ++word)
    rest[text_at + word] = 0x2020'2020'2020'2020;
  rest.back() = 0x0020'2020'2020'2020;
  auto bomb = with_pointer<schema::JobList>(
      "jobs", [&](std::int32_t to_rest) { return list_pointer(to_rest, 7, jobs * summary_words); },
      rest);
  EXPECT_LT(bomb.size(), 100'000u);
  EXPECT_TRUE(refused<schema::JobList>(bomb));
}

TEST(hostile_pointers, WhatANewerSchemaAddedIsKeptWhenItIsSound) {
  auto [data, pointers] = size_of<schema::Cancel>();
  // One pointer more than is known: a text.
  std::vector<std::uint64_t> words(1u + data + pointers + 1);
  words[0] = struct_pointer(0, data, pointers + 1u);
  words.back() = list_pointer(0, 2, 6);
  words.push_back(0x0000'6F6C'6C65'68);
  auto newer = segment(words);
  auto parsed = message<schema::Cancel>::parse(newer);
  ASSERT_TRUE(parsed) << message_of(parsed.error());
  message_builder<schema::Cancel> copy;
  copy.copy(*parsed->read());
  auto copied = copy.finish();
  std::string_view text{reinterpret_cast<const char*>(copied.bytes().data()),
                        copied.bytes().size()};
  EXPECT_NE(text.find("hello"), std::string_view::npos);
}

TEST(hostile_pointers, WhatANewerSchemaAddedIsRefusedWhenItIsNot) {
  auto [data, pointers] = size_of<schema::Cancel>();
  auto with_unknown = [&, data = data, pointers = pointers](std::vector<std::uint64_t> unknown,
                                                            std::vector<std::uint64_t> rest) {
    std::vector<std::uint64_t> words(1u + data + pointers);
    words[0] = struct_pointer(0, data, pointers + unknown.size());
    words.insert(words.end(), unknown.begin(), unknown.end());
    words.insert(words.end(), rest.begin(), rest.end());
    return segment(words);
  };
  auto all = static_cast<std::int32_t>(data + pointers);
  // Out of the message; the root itself, twice: copying it would never end; nested without an end.
  EXPECT_TRUE(refused<schema::Cancel>(with_unknown({list_pointer(9, 2, 9)}, {})));
  // A capability, at once and within a list.
  EXPECT_TRUE(refused<schema::Cancel>(with_unknown({3}, {})));
  EXPECT_TRUE(refused<schema::Cancel>(with_unknown({list_pointer(0, 6, 1)}, {3})));
  EXPECT_TRUE(refused<schema::Cancel>(with_unknown({struct_pointer(-all - 1, data, pointers + 2u),
                                                    struct_pointer(-all - 2, data, pointers + 2u)},
                                                   {})));
  std::vector<std::uint64_t> chain(200, struct_pointer(0, 0, 1));
  chain.push_back(0);
  EXPECT_TRUE(refused<schema::Cancel>(with_unknown({struct_pointer(0, 0, 1)}, chain)));
  // Each level leads twice to the next one: 2^20 copies of the last.
  std::vector<std::uint64_t> tree;
  for (int level = 0; level < 20; ++level) {
    tree.push_back(struct_pointer(1, 0, 2));
    tree.push_back(struct_pointer(0, 0, 2));
  }
  tree.insert(tree.end(), {0, 0});
  EXPECT_TRUE(refused<schema::Cancel>(with_unknown({struct_pointer(0, 0, 2)}, tree)));
}

TEST(hostile_values, UnterminatedTextIsRefused) {
  message_builder<schema::Submit> builder;
  builder->setTenant("1234567");
  auto b = bytes_of(builder.finish());
  auto at = std::string_view{reinterpret_cast<const char*>(b.data()), b.size()}.find("1234567");
  ASSERT_NE(at, std::string_view::npos);
  b[at + 7] = std::byte{'8'};
  EXPECT_TRUE(refused<schema::Submit>(b));
  b[at + 7] = std::byte{0};
  EXPECT_FALSE(refused<schema::Submit>(b));
}

TEST(hostile_values, TextThatIsNoUtf8IsRefusedWithItsPlace) {
  message_builder<schema::Submit> builder;
  builder->initMessages(2)[1].setContent("abc\xFF");
  auto parsed = message<schema::Submit>::parse(builder.finish().bytes());
  ASSERT_FALSE(parsed);
  EXPECT_NE(message_of(parsed.error()).find("UTF-8 in ChatMessage.content in Submit.messages"),
            std::string::npos)
      << message_of(parsed.error());
  message_builder<schema::JobQuery> list;
  list->setText("\xC3");
  EXPECT_TRUE(refused<schema::JobQuery>(bytes_of(list.finish())));
}

TEST(hostile_values, DataMayBeAnyBytes) {
  message_builder<schema::TextChunk> builder;
  const kj::byte any[]{0xFF, 0x00, 0xC3};
  builder->setText(kj::arrayPtr(any, 3));
  EXPECT_FALSE(refused<schema::TextChunk>(bytes_of(builder.finish())));
}

TEST(hostile_values, EnumsOutOfRangeAreRefused) {
  message_builder<schema::Submit> mode;
  mode->setMode(static_cast<schema::PlanMode>(99));
  EXPECT_TRUE(refused<schema::Submit>(bytes_of(mode.finish())));
  message_builder<schema::JobQuery> states;
  states->initStates(2).set(1, static_cast<schema::JobState>(7));
  EXPECT_TRUE(refused<schema::JobQuery>(bytes_of(states.finish())));
  message_builder<schema::AttemptResult> error;
  error->initError().setCode(static_cast<schema::Errc>(99));
  EXPECT_TRUE(refused<schema::AttemptResult>(bytes_of(error.finish())));
}

TEST(hostile_values, UnknownUnionMembersAreRefused) {
  auto record = sample<schema::JobRecord>(7);
  auto good = bytes_of(record);
  auto offset =
      capnp::Schema::from<schema::JobRecord>().getProto().getStruct().getDiscriminantOffset();
  // Segment table, root pointer, then the data section, which the tag lies in.
  auto tag = 16 + 2 * std::size_t{offset};
  for (unsigned value = 9; value < 300; ++value) {
    good[tag] = static_cast<std::byte>(value);
    good[tag + 1] = static_cast<std::byte>(value >> 8);
    ASSERT_TRUE(refused<schema::JobRecord>(good)) << value;
  }
}

TEST(hostile_values, AnotherTypesMessageIsRefusedOrHarmless) {
  auto topology = bytes_of(sample<schema::Topology>());
  EXPECT_NO_THROW(static_cast<void>(refused<schema::Submit>(topology)));
  EXPECT_NO_THROW(static_cast<void>(refused<schema::JobRecord>(topology)));
  EXPECT_NO_THROW(static_cast<void>(refused<schema::Decision>(bytes_of(sample<schema::Submit>()))));
}

}  // namespace
}  // namespace tandem::testing
