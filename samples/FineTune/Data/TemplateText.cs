using Mdl.Runtime.Text.Chat;
using Mdl.Runtime.Text.Tokenizers;

namespace Ling.FineTune.Data;

/// <summary>Text in the chat format and the tokens of a folder. Pieces are encoded one by one, as a chat does that continues after each.</summary>
public sealed class TemplateText : IExampleText
{
    private readonly string? _system;
    private readonly Tokenizer _tokenizer;
    private readonly ChatTemplate _template;

    /// <exception cref="UsageException">The tokenizer has no end of a message.</exception>
    public TemplateText(string folder, string? system, bool force)
    {
        _system = system;
        _tokenizer = Tokenizer.Load(folder);
        _template = ChatTemplate.Load(folder, thinking: false, force);
        StopTokens = _tokenizer.IdOf(ChatTemplate.RoleEnd) is { } end
            ? [end]
            : throw new UsageException($"{folder}: the tokenizer has no token {ChatTemplate.RoleEnd}, with which messages end.");
    }

    /// <summary>One more than the highest number of a token.</summary>
    public int Vocabulary => _tokenizer.Count;

    public IReadOnlyList<int> StopTokens { get; }

    public IEnumerable<(int[] Tokens, bool IsAnswer)> Pieces(IReadOnlyList<ChatMessage> messages)
    {
        ArgumentNullException.ThrowIfNull(messages);
        var hasSystem = messages[0].Role == ChatRole.System;
        yield return (_tokenizer.Encode(_template.Head(hasSystem ? messages[0].Content : _system)), false);
        foreach (var message in messages.Skip(hasSystem ? 1 : 0))
        {
            if (message.Role != ChatRole.Assistant)
            {
                yield return (_tokenizer.Encode(ChatTemplate.Message(message)), false);
                continue;
            }

            // The head of the answer is given to the model; what follows is its own.
            yield return (_tokenizer.Encode(ChatTemplate.AnswerHead()), false);
            yield return (_tokenizer.Encode(ChatTemplate.Message(message).Skip(1)), true);
        }
    }

    public int[] Encode(string text) => _tokenizer.Encode(text);

    public string Decode(ReadOnlySpan<int> tokens) => _tokenizer.Decode(tokens, skipSpecial: true);
}
