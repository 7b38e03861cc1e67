using Sprache;

namespace Mdl.Dsl.Syntax;

/// <summary>
/// A place in the tokens of a file, as Sprache's input: its characters are the kinds of the tokens, its positions their indices.
/// Failures remember a place by its input, so every place has one input and advancing allocates nothing.
/// </summary>
internal sealed class TokenInput(ParseContext context, int index) : IInput
{
    public ParseContext Context => context;

    public Token Token => context.Tokens[index];

    public TokenKind Kind => context.Tokens[index].Kind;

    public string Source => context.Source.Text;

    public char Current => (char)Kind;

    public bool AtEnd => index == context.Tokens.Length - 1;

    public int Position => index;

    public int Line => context.Source.Locate(Token.Span.Start).Line + 1;

    public int Column => context.Source.Locate(Token.Span.Start).Column + 1;

    public IDictionary<object, object> Memos => context.Memos;

    /// <summary>The next place; the end of the file is followed by itself.</summary>
    public TokenInput Next => context.At(index + 1);

    public IInput Advance() => Next;

    /// <summary>The place a number of tokens further on (or back, down to the first).</summary>
    public TokenInput Ahead(int distance) => context.At(index + distance);

    public bool Equals(IInput? other) => ReferenceEquals(this, other);
}
