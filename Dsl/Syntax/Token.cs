namespace Mdl.Dsl.Syntax;

internal enum TokenKind
{
    EndOfFile,

    /// <summary>Characters that no token starts with; the scanner has reported them.</summary>
    Unknown,
    Name,
    Number,

    /// <summary>A word that starts with a digit: <c>1T</c>.</summary>
    DigitWord,
    String,
    OpenParenthesis,
    CloseParenthesis,
    OpenBracket,
    CloseBracket,
    OpenBrace,
    CloseBrace,
    Comma,
    Semicolon,
    Colon,
    Dot,
    Ellipsis,
    Quote,
    Equal,
    PlusEqual,
    Arrow,
    Plus,
    Minus,
    Star,
    Slash,
    At,
    Caret,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    EqualEqual,
}

/// <summary>
/// A word of the text. Text is the word as written, for strings without quotes and escapes. Value is that of a number.
/// Doc is the text of the <c>///</c> lines between the token before and this one.
/// </summary>
internal readonly record struct Token(TokenKind Kind, Span Span, string Text, double Value, string Doc, bool IsFirstOnLine)
{
    public bool IsInteger => Text.All(c => c is >= '0' and <= '9' or '_');

    public bool Is(string word) => Kind == TokenKind.Name && Text == word;
}
