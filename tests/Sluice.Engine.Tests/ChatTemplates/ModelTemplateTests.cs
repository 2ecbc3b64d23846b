using System.Text.Json;
using Sluice.Core;

namespace Sluice.Engine.Tests;

/// <summary>What Jinja's own implementation makes of a conversation, most of them with a call of a tool.</summary>
public sealed class ModelTemplateTests
{
    private const string Talk =
        """
        [{"role": "system", "content": " Be brief. "},
         {"role": "user", "content": "Weather in Zürich? "},
         {"role": "assistant", "content": null,
          "tool_calls": [{"id": "call00001", "type": "function",
           "function": {"name": "weather", "arguments": "{\"city\": \"Zürich\", \"days\": 2}"}}]},
         {"role": "tool", "tool_call_id": "call00001", "content": "{\"sky\": \"clear\"}"},
         {"role": "assistant", "content": "<think>\nclear\n</think>\n\nClear."},
         {"role": "user", "content": "And <Bern> & \"Basel\"?"}]
        """;

    private const string Plain =
        """
        [{"role": "system", "content": " Be brief. "},
         {"role": "user", "content": "Weather in Zürich? "},
         {"role": "assistant", "content": "Clear."},
         {"role": "user", "content": "And <Bern> & \"Basel\"?"}]
        """;

    private const string Tools =
        """
        [{"type": "function", "function": {"name": "weather",
         "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}]
        """;

    public static TheoryData<string, string, string, string> Models => new()
    {
        { "Llama 3.1", ModelTemplates.Llama31, Talk, """
        <s><|start_header_id|>system<|end_header_id|>

        Environment: ipython
        Today: 04 Mar 2026

        Be brief.<|eot_id|><|start_header_id|>user<|end_header_id|>

        Answer in JSON.

        {
            "type": "function",
            "function": {
                "name": "weather",
                "parameters": {
                    "type": "object",
                    "properties": {
                        "city": {
                            "type": "string"
                        }
                    },
                    "required": [
                        "city"
                    ]
                }
            }
        }

        Weather in Zürich?<|eot_id|><|start_header_id|>assistant<|end_header_id|>

        {"name": "weather", "parameters": {"city": "Zürich", "days": 2}}<|eot_id|><|start_header_id|>ipython<|end_head¶
        er_id|>

        "{\"sky\": \"clear\"}"<|eot_id|><|start_header_id|>assistant<|end_header_id|>

        <think>
        clear
        </think>

        Clear.<|eot_id|><|start_header_id|>user<|end_header_id|>

        And <Bern> & "Basel"?<|eot_id|><|start_header_id|>assistant<|end_header_id|>


        """ },
        { "Qwen 2.5", ModelTemplates.Qwen25, Talk, """
        <|im_start|>system
         Be brief. ¶


        # Tools
        <tools>
        {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {"city": {¶
        "type": "string"}}, "required": ["city"]}}}
        </tools><|im_end|>
        <|im_start|>user
        Weather in Zürich? <|im_end|>
        <|im_start|>assistant
        <tool_call>
        {"name": "weather", "arguments": {"city": "Zürich", "days": 2}}
        </tool_call><|im_end|>
        <|im_start|>user
        <tool_response>
        {"sky": "clear"}
        </tool_response><|im_end|>
        <|im_start|>assistant
        <think>
        clear
        </think>

        Clear.<|im_end|>
        <|im_start|>user
        And <Bern> & "Basel"?<|im_end|>
        <|im_start|>assistant

        """ },
        { "Qwen 3", ModelTemplates.Qwen3, Talk, """
        <|im_start|>system
         Be brief. <|im_end|>
        <|im_start|>user
        Weather in Zürich? <|im_end|>
        <|im_start|>assistant
        <tool_call>
        {"name": "weather", "arguments": {"city": "Zürich", "days": 2}}
        </tool_call><|im_end|>
        <|im_start|>user
        <tool_response>
        {"sky": "clear"}
        </tool_response><|im_end|>
        <|im_start|>assistant
        Clear.<|im_end|>
        <|im_start|>user
        And <Bern> & "Basel"?<|im_end|>
        <|im_start|>assistant
        <think>

        </think>


        """ },
        { "Mistral", ModelTemplates.Mistral, Talk, """
        <s>[INST] Weather in Zürich? [/INST][TOOL_CALLS] [{"name": "weather", "arguments": {"city": "Zürich", "days": ¶
        2}, "id": "call00001"}]</s>[TOOL_RESULTS] {"content": {"sky": "clear"}, "call_id": "call00001"}[/TOOL_RESULTS]¶
         <think>
        clear
        </think>

        Clear.</s>[AVAILABLE_TOOLS] [{"type": "function", "function": {"name": "weather", "parameters": {"type": "obje¶
        ct", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}][/AVAILABLE_TOOLS][INST]  Be brief. ¶


        And <Bern> & "Basel"?[/INST]
        """ },
        { "Gemma", ModelTemplates.Gemma, Plain, """
        <s><start_of_turn>user
         Be brief. ¶


        Weather in Zürich?<end_of_turn>
        <start_of_turn>model
        Clear.<end_of_turn>
        <start_of_turn>user
        And <Bern> & "Basel"?<end_of_turn>
        <start_of_turn>model

        """ },
        { "Phi 4", ModelTemplates.Phi4, Plain, """
        <|im_start|>system<|im_sep|> Be brief. <|im_end|><|im_start|>user<|im_sep|>Weather in Zürich? <|im_end|><|im_s¶
        tart|>assistant<|im_sep|>Clear.<|im_end|><|im_start|>user<|im_sep|>And <Bern> & "Basel"?<|im_end|><|im_start|>¶
        assistant<|im_sep|>
        """ },
    };

    [Theory, MemberData(nameof(Models))]
    public void A_conversation_becomes_what_jinja_makes_of_it(string model, string template, string messages, string prompt)
    {
        prompt = prompt.Replace("¶\n", "", StringComparison.Ordinal); // Where lines of the source are shorter.
        var written = ChatTemplate.Parse(template, "<s>", "</s>").Render(new(Json(messages))
        {
            Tools = messages == Talk ? Json(Tools) : null,
            Variables = Json("""{"enable_thinking": false}"""),
            Now = new(2026, 3, 4, 5, 6, 7, TimeSpan.Zero),
        });

        Assert.Equal($"{model}: {prompt}", $"{model}: {written}");
    }

    [Theory]
    [InlineData(ModelTemplates.Mistral, """[{"role": "user", "content": "a"}, {"role": "user", "content": "b"}]""", "roles must alternate")]
    [InlineData(ModelTemplates.Mistral, """[{"role": "narrator", "content": "a"}]""", "roles must alternate")]
    [InlineData(ModelTemplates.Gemma, """[{"role": "assistant", "content": "a"}]""", "roles must alternate")]
    [InlineData(ModelTemplates.Llama31, """[{"role": "assistant", "tool_calls": []}]""", "one call at a time")]
    public void What_a_template_refuses_is_refused_in_its_words(string source, string messages, string reason)
    {
        var template = ChatTemplate.Parse(source);

        var refused = Assert.Throws<InputException>(() => template.Render(new(Json(messages))));

        Assert.EndsWith($"refuses this conversation: {reason}", refused.Message, StringComparison.Ordinal);
    }

    private static JsonElement Json(string json) => JsonDocument.Parse(json).RootElement;
}
