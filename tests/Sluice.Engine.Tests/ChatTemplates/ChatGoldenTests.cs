using System.Text.Json;

namespace Sluice.Engine.Tests;

/// <summary>What llama.cpp makes of conversations with the templates of the golden models.</summary>
public sealed class ChatGoldenTests
{
    public static TheoryData<string> Vocabularies => [.. GoldenVocabularies.Names];

    [GoldenTheory, MemberData(nameof(Vocabularies))]
    public void Every_conversation_gives_the_prompt_and_tokens_that_llama_cpp_gives(string vocabulary)
    {
        using var file = GoldenVocabularies.Open(vocabulary);
        var tokenizer = Tokenizer.Read(file);
        var template = ChatTemplate.Read(file, tokenizer)!;

        foreach (var line in GoldenVocabularies.Lines("chat", vocabulary + ".jsonl"))
        {
            var prompt = template.Render(new(line.GetProperty("messages"))
            {
                AddsGenerationPrompt = line.GetProperty("add_generation_prompt").GetBoolean(),
            });

            Assert.Equal(line.GetProperty("prompt").GetString(), prompt);
            Assert.Equal(line.Integers("ids"), tokenizer.Encode(prompt));
        }
    }
}
