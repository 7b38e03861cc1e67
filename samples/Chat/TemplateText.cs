using Mdl.Runtime.Text.Chat;
using Mdl.Runtime.Text.Tokenizers;

namespace Ling.Chat;

/// <summary>Text in the chat format and the tokens of a folder.</summary>
public sealed class TemplateText : IConversationText
{
    private readonly string? _system;
    private readonly Tokenizer _tokenizer;
    private readonly ChatTemplate _template;
    private readonly StreamingDecoder _decoder;

    public TemplateText(string folder, ChatOptions options)
    {
        _system = options.System;
        _tokenizer = Tokenizer.Load(folder);
        _template = ChatTemplate.Load(folder, options.Think, options.ForceTemplate);
        _decoder = new StreamingDecoder(_tokenizer, skipSpecial: true);
        AnswerEnd = _tokenizer.IdOf(ChatTemplate.RoleEnd) is { } end
            ? [end]
            : throw new UsageException($"{folder}: the tokenizer has no token {ChatTemplate.RoleEnd}, with which messages end.");
        // A base model's configuration names the end of a text only; a conversation needs the end of a message.
        StopTokens = [.. GenerationConfig.Load(folder).StopTokens.Append(AnswerEnd[0]).Distinct()];
    }

    /// <summary>One more than the highest number of a token.</summary>
    public int Vocabulary => _tokenizer.Count;

    public IReadOnlyList<int> StopTokens { get; }

    public IReadOnlyList<int> AnswerEnd { get; }

    public IReadOnlyList<int> Head() => _tokenizer.Encode(_template.Head(_system));

    public IReadOnlyList<int> Question(string text) =>
        _tokenizer.Encode([.. ChatTemplate.Message(new ChatMessage(ChatRole.Human, text)), .. ChatTemplate.AnswerHead()]);

    public ReadOnlySpan<char> Append(int token) => _decoder.Append(token);

    public ReadOnlySpan<char> Flush() => _decoder.Flush();
}
