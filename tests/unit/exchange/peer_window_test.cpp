#include "actors/exchange/peer_window.hpp"

#include <gtest/gtest.h>

namespace tandem {
namespace {

constexpr std::uint64_t mib = 1u << 20;

TEST(peer_window, IsFullUntilReceiptsMakeRoom) {
  peer_window window{2 * mib};
  EXPECT_TRUE(window.fits(2 * mib));
  window.sent(2 * mib);
  EXPECT_FALSE(window.fits(1));
  window.receipt(mib);
  EXPECT_TRUE(window.fits(mib));
  EXPECT_FALSE(window.fits(mib + 1));
}

TEST(peer_window, DoesNotBelieveReceiptsOfWhatWasNotSentOrOlderOnes) {
  peer_window window{mib};
  window.sent(1000);
  window.receipt(1001);
  EXPECT_EQ(window.under_way(), 1000u);
  window.receipt(600);
  window.receipt(200);
  EXPECT_EQ(window.under_way(), 400u);
  window.receipt(~std::uint64_t{0});
  EXPECT_EQ(window.under_way(), 400u);
}

TEST(peer_window, LetsOnlySoMuchWait) {
  peer_window window{mib};
  EXPECT_TRUE(window.wait(mib));
  EXPECT_FALSE(window.wait(1));
  window.waited(10);
  EXPECT_TRUE(window.wait(10));
  window.waited(5 * mib);
  EXPECT_EQ(window.waiting(), 0u);
}

TEST(peer_window, HasRoomForSomePiecesWhateverIsConfigured) {
  peer_window window{1};
  EXPECT_TRUE(window.fits(peer_window::bytes_min));
}

TEST(peer_window, SaysWhenAReceiptIsDueLongBeforeAWindowIsFull) {
  peer_window window;
  EXPECT_FALSE(window.received(peer_window::receipt_bytes - 1));
  EXPECT_EQ(window.received(1), peer_window::receipt_bytes);
  EXPECT_FALSE(window.received(1));
  EXPECT_LT(peer_window::receipt_bytes, peer_window::bytes_min / 2);
}

}  // namespace
}  // namespace tandem
