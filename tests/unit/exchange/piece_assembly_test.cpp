#include "actors/exchange/piece_assembly.hpp"

#include <gtest/gtest.h>

namespace tandem {
namespace {

class pieces : public ::testing::Test {
 protected:
  caf::error add(std::uint64_t id, std::uint32_t offset, std::uint32_t size,
                 const std::string& data) {
    message_builder<schema::Piece> out;
    out->setId(id);
    out->setOffset(offset);
    out->setSizeBytes(size);
    out->setData({reinterpret_cast<const kj::byte*>(data.data()), data.size()});
    auto message = out.finish();
    return assembly_.add(*message.read());
  }
  std::string take(std::uint64_t id) {
    auto bytes = assembly_.take(id);
    if (!bytes) return "nothing";
    return {reinterpret_cast<const char*>(bytes->data()), bytes->size()};
  }

  piece_assembly assembly_;
};

TEST_F(pieces, BecomeTheWholeOnce) {
  EXPECT_FALSE(add(7, 0, 6, "abc"));
  EXPECT_FALSE(add(7, 3, 6, "def"));
  EXPECT_EQ(take(7), "abcdef");
  EXPECT_EQ(take(7), "nothing");
}

TEST_F(pieces, OfAnUnfinishedPayloadAreDroppedWithIt) {
  EXPECT_FALSE(add(7, 0, 6, "abc"));
  EXPECT_EQ(take(7), "nothing");
  EXPECT_EQ(assembly_.held_bytes(), 0u);
  EXPECT_TRUE(add(7, 3, 6, "def"));
}

TEST_F(pieces, OfAnotherIdAreNotTaken) {
  EXPECT_FALSE(add(7, 0, 3, "abc"));
  EXPECT_EQ(take(8), "nothing");
  EXPECT_EQ(take(7), "nothing") << "its header should have come next";
}

TEST_F(pieces, ThatDoNotFitEndTheirPayload) {
  struct wrong {
    std::uint64_t id;
    std::uint32_t offset;
    std::uint32_t size;
    std::string data;
  };
  for (const auto& next :
       {wrong{7, 4, 6, "ef"}, wrong{7, 2, 6, "cdef"}, wrong{8, 3, 6, "def"}, wrong{7, 3, 7, "def"},
        wrong{7, 3, 6, "defg"}, wrong{7, 3, 6, ""}, wrong{7, ~0u, 6, "def"}}) {
    ASSERT_FALSE(add(7, 0, 6, "abc"));
    EXPECT_EQ(code_of(add(next.id, next.offset, next.size, next.data)), errc::malformed_message);
    EXPECT_EQ(assembly_.held_bytes(), 0u);
    EXPECT_EQ(take(7), "nothing");
  }
}

TEST_F(pieces, OfTooMuchAreRefusedAtTheFirst) {
  EXPECT_TRUE(add(7, 0, 0, ""));
  EXPECT_TRUE(add(7, 0, (32u << 20) + 1, "abc"));
  EXPECT_TRUE(add(7, 0, ~0u, "abc"));
  EXPECT_TRUE(add(7, 0, 1u << 20, std::string(piece_bytes_max + 1, 'x')));
  EXPECT_EQ(assembly_.held_bytes(), 0u);
}

TEST_F(pieces, HoldNoMoreThanHasCome) {
  EXPECT_FALSE(add(7, 0, 1u << 20, "abc"));
  EXPECT_EQ(assembly_.held_bytes(), 3u);
  // The next one begins: what was unfinished is gone.
  EXPECT_FALSE(add(9, 0, 2, "x"));
  EXPECT_EQ(assembly_.held_bytes(), 1u);
}

}  // namespace
}  // namespace tandem
