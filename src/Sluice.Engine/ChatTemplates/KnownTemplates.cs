namespace Sluice.Engine;

/// <summary>Templates for files that bring none, chosen by the control tokens of their vocabulary.</summary>
internal static class KnownTemplates
{
    /// <param name="Tokens">All of them are in the vocabulary of such a model.</param>
    internal sealed record Known(string Name, string[] Tokens, string Source);

    public static IReadOnlyList<Known> All { get; } =
    [
        new("Llama 3", ["<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"], """
            {{- bos_token }}
            {%- for message in messages %}
                {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n' + message['content'] | trim + '<|eot_id|>' }}
            {%- endfor %}
            {%- if add_generation_prompt %}{{- '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{%- endif %}
            """),
        new("ChatML", ["<|im_start|>", "<|im_end|>"], """
            {%- for message in messages -%}
                {{- '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' -}}
            {%- endfor -%}
            {%- if add_generation_prompt -%}{{- '<|im_start|>assistant\n' -}}{%- endif -%}
            """),
        new("Gemma", ["<start_of_turn>", "<end_of_turn>"], """
            {{- bos_token -}}
            {%- set system = namespace(text='') -%}
            {%- for message in messages -%}
                {%- if message['role'] == 'system' -%}
                    {%- set system.text = message['content'] | trim + '\n\n' -%}
                {%- else -%}
                    {%- set role = 'model' if message['role'] == 'assistant' else message['role'] -%}
                    {{- '<start_of_turn>' + role + '\n' + system.text + message['content'] | trim + '<end_of_turn>\n' -}}
                    {%- set system.text = '' -%}
                {%- endif -%}
            {%- endfor -%}
            {%- if add_generation_prompt -%}{{- '<start_of_turn>model\n' -}}{%- endif -%}
            """),
        new("Phi 3", ["<|user|>", "<|assistant|>", "<|end|>"], """
            {%- for message in messages -%}
                {{- '<|' + message['role'] + '|>\n' + message['content'] + '<|end|>\n' -}}
            {%- endfor -%}
            {%- if add_generation_prompt -%}{{- '<|assistant|>\n' -}}{%- endif -%}
            """),
        new("Zephyr", ["<|user|>", "<|assistant|>", "<|system|>"], """
            {%- for message in messages -%}
                {{- '<|' + message['role'] + '|>\n' + message['content'] + eos_token + '\n' -}}
            {%- endfor -%}
            {%- if add_generation_prompt -%}{{- '<|assistant|>\n' -}}{%- endif -%}
            """),
        new("Mistral", ["[INST]", "[/INST]"], """
            {{- bos_token -}}
            {%- set system = namespace(text='') -%}
            {%- for message in messages -%}
                {%- if message['role'] == 'system' -%}
                    {%- set system.text = message['content'] + '\n\n' -%}
                {%- elif message['role'] == 'user' -%}
                    {{- '[INST] ' + system.text + message['content'] + '[/INST]' -}}
                    {%- set system.text = '' -%}
                {%- else -%}
                    {{- ' ' + message['content'] + eos_token -}}
                {%- endif -%}
            {%- endfor -%}
            """),
    ];

    /// <returns>Null if the vocabulary speaks of none of them.</returns>
    public static Known? Find(TokenVocabulary vocabulary)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < vocabulary.Count; i++)
            if (vocabulary.Kind(i) is TokenKind.Control or TokenKind.UserDefined) names.Add(vocabulary.Text(i));
        return All.FirstOrDefault(known => known.Tokens.All(names.Contains));
    }
}
