#include "runtime/transport/stream.h"

#include <gtest/gtest.h>

#include <random>

namespace upg::transport {
namespace {

const Framing framing = make_framing("word", true, true);

std::string joined(const std::vector<machine::Output> &outputs, bool error) {
  std::string text;
  for (const machine::Output &output : outputs) {
    if (output.error == error) text += output.bytes;
  }
  return text;
}

TEST(CommandStream, FramingIsFoundHoweverTheBytesArriveInPieces) {
  const std::string raw = "noise upg-start-wor\n" + framing.start + "123:out" + framing.end.substr(0, 5) +
                          framing.end.substr(0, 9) + "put" + framing.end + " exited 7\n";
  for (std::size_t piece = 1; piece <= raw.size(); ++piece) {
    CommandStream stream(1, 1000, framing);
    std::vector<machine::Output> outputs;
    for (std::size_t at = 0; at < raw.size(); at += piece)
      stream.take_out(std::string_view(raw).substr(at, piece), outputs);
    stream.finish(outputs);
    machine::Answer answer;
    stream.move_to(answer);
    ASSERT_TRUE(stream.started());
    EXPECT_EQ(stream.pid(), 123);
    EXPECT_EQ(stream.noise(), "noise upg-start-wor\n");
    EXPECT_EQ(answer.out, "outupg-eupg-end-wput") << piece;
    EXPECT_EQ(joined(outputs, false), answer.out);
    EXPECT_EQ(stream.trailer(), "exited 7");
  }
}

TEST(CommandStream, PromptsAreCountedAndRemoved) {
  for (std::size_t piece = 1; piece < 60; ++piece) {
    const std::string raw = "lecture\n" + framing.prompt + "Sorry\n" + framing.prompt + "rest";
    CommandStream stream(1, 1000, framing);
    std::vector<machine::Output> outputs;
    for (std::size_t at = 0; at < raw.size(); at += piece)
      stream.take_err(std::string_view(raw).substr(at, piece), outputs);
    stream.finish(outputs);
    EXPECT_EQ(stream.prompts(), 2);
    EXPECT_EQ(joined(outputs, true), "lecture\nSorry\nrest");
  }
}

TEST(CommandStream, ACommandMayPrintWhatLooksLikeAPrompt) {
  CommandStream stream(1, 1000, framing);
  std::vector<machine::Output> outputs;
  stream.take_out(framing.start + "1:", outputs);
  stream.take_err(framing.prompt, outputs);
  EXPECT_EQ(stream.prompts(), 0);
  EXPECT_EQ(joined(outputs, true), framing.prompt);
}

TEST(CommandStream, WithoutAStartNothingIsOutput) {
  CommandStream stream(1, 1000, framing);
  std::vector<machine::Output> outputs;
  stream.take_out("This account is currently not available.\n", outputs);
  stream.finish(outputs);
  EXPECT_FALSE(stream.started());
  EXPECT_EQ(stream.noise(), "This account is currently not available.\n");
  EXPECT_TRUE(outputs.empty());
}

TEST(CommandStream, MemoryDoesNotGrowWithOutput) {
  CommandStream stream(1, 10, framing);
  std::vector<machine::Output> outputs;
  stream.take_out(framing.start + "1:", outputs);
  const std::string block(1 << 16, '\0');
  for (int i = 0; i < 100; ++i) stream.take_out(block, outputs);
  machine::Answer answer;
  stream.move_to(answer);
  EXPECT_EQ(answer.out.size(), 10u);
  EXPECT_EQ(answer.out_bytes, 100u << 16);
  EXPECT_EQ(joined(outputs, false).size(), 10u);
}

TEST(CommandStream, RandomBytesAroundTheTokens) {
  std::mt19937 random(1);
  for (int round = 0; round < 2000; ++round) {
    // Bytes of the tokens themselves, so that false beginnings are frequent.
    std::string body;
    for (int i = 0; i < 40; ++i) body += framing.end[random() % framing.end.size()];
    if (body.find(framing.end) != std::string::npos) continue;
    const std::string raw = framing.start + "9:" + body + framing.end + " vanished \n";
    CommandStream stream(1, 1000, framing);
    std::vector<machine::Output> outputs;
    for (std::size_t at = 0; at < raw.size();) {
      const std::size_t piece = 1 + random() % 7;
      stream.take_out(std::string_view(raw).substr(at, piece), outputs);
      at += piece;
    }
    stream.finish(outputs);
    ASSERT_EQ(joined(outputs, false), body);
    ASSERT_EQ(stream.trailer(), "vanished");
  }
}

}  // namespace
}  // namespace upg::transport
