using System.Globalization;
using System.Text;

namespace Mdl.Dsl.Syntax;

/// <summary>Splits a text into tokens. The last one is <see cref="TokenKind.EndOfFile"/>, empty, at the end of the text.</summary>
internal sealed class Scanner(SourceText source, DiagnosticBag diagnostics, CancellationToken cancellation)
{
    /// <summary>Largest integer up to which a double holds every integer exactly.</summary>
    private const double LargestExactInteger = 9007199254740992;

    private readonly string _text = source.Text;
    private readonly List<Token> _tokens = [];
    private readonly List<string> _doc = [];
    private int _position;
    private bool _firstOnLine = true;

    public Token[] Scan()
    {
        if (Peek() == '\uFEFF')
        {
            _position++;
        }

        while (SkipBlanks())
        {
            cancellation.ThrowIfCancellationRequested();
            var start = _position;
            var c = _text[start];
            if (IsDigit(c))
            {
                ScanNumber();
            }
            else if (IsWordStart(c))
            {
                Add(TokenKind.Name, start, SkipWord());
            }
            else if (c == '"')
            {
                ScanString();
            }
            else
            {
                var (kind, length) = Symbol(c, Peek(1));
                if (kind == TokenKind.Unknown)
                {
                    ScanUnknown();
                }
                else
                {
                    Add(kind, start, start + length);
                }
            }
        }

        Add(TokenKind.EndOfFile, _text.Length, _text.Length);
        return [.. _tokens];
    }

    private static bool IsDigit(char c) => c is >= '0' and <= '9';

    private static bool IsWordStart(char c) => c == '_' || char.IsLetter(c);

    private static bool IsWordPart(char c) => IsWordStart(c) || IsDigit(c);

    private static bool IsLineEnd(char c) => c is '\n' or '\r';

    private static (TokenKind Kind, int Length) Symbol(char c, char next) => (c, next) switch
    {
        ('.', '.') => (TokenKind.Ellipsis, 2),
        ('+', '=') => (TokenKind.PlusEqual, 2),
        ('-', '>') => (TokenKind.Arrow, 2),
        ('<', '=') => (TokenKind.LessOrEqual, 2),
        ('>', '=') => (TokenKind.GreaterOrEqual, 2),
        ('=', '=') => (TokenKind.EqualEqual, 2),
        ('(', _) => (TokenKind.OpenParenthesis, 1),
        (')', _) => (TokenKind.CloseParenthesis, 1),
        ('[', _) => (TokenKind.OpenBracket, 1),
        (']', _) => (TokenKind.CloseBracket, 1),
        ('{', _) => (TokenKind.OpenBrace, 1),
        ('}', _) => (TokenKind.CloseBrace, 1),
        (',', _) => (TokenKind.Comma, 1),
        (';', _) => (TokenKind.Semicolon, 1),
        (':', _) => (TokenKind.Colon, 1),
        ('.', _) => (TokenKind.Dot, 1),
        ('\'', _) => (TokenKind.Quote, 1),
        ('=', _) => (TokenKind.Equal, 1),
        ('+', _) => (TokenKind.Plus, 1),
        ('-', _) => (TokenKind.Minus, 1),
        ('*', _) => (TokenKind.Star, 1),
        ('/', _) => (TokenKind.Slash, 1),
        ('@', _) => (TokenKind.At, 1),
        ('^', _) => (TokenKind.Caret, 1),
        ('<', _) => (TokenKind.Less, 1),
        ('>', _) => (TokenKind.Greater, 1),
        _ => (TokenKind.Unknown, 1),
    };

    /// <summary>The character at a distance, or NUL past the end.</summary>
    private char Peek(int distance = 0) => _position + distance < _text.Length ? _text[_position + distance] : '\0';

    private void Add(TokenKind kind, int start, int end, double value = 0, string? text = null)
    {
        var doc = _doc.Count == 0 ? "" : string.Join("\n", _doc);
        _doc.Clear();
        _tokens.Add(new(kind, new(start, end - start), text ?? _text.Substring(start, end - start), value, doc, _firstOnLine));
        _firstOnLine = false;
        _position = end;
    }

    /// <summary>Moves over white space and comments; false at the end of the text.</summary>
    private bool SkipBlanks()
    {
        while (_position < _text.Length)
        {
            var c = _text[_position];
            if (char.IsWhiteSpace(c))
            {
                _firstOnLine |= IsLineEnd(c);
                _position++;
            }
            else if (c == '/' && Peek(1) == '/')
            {
                SkipLineComment();
            }
            else if (c == '/' && Peek(1) == '*')
            {
                SkipBlockComment();
            }
            else
            {
                return true;
            }
        }

        return false;
    }

    private void SkipLineComment()
    {
        var end = _position;
        while (end < _text.Length && !IsLineEnd(_text[end]))
        {
            end++;
        }

        // Only a whole line documents what follows it, and a rule of slashes documents nothing.
        if (_firstOnLine && Peek(2) == '/' && Peek(3) != '/')
        {
            var line = _text.Substring(_position + 3, end - _position - 3);
            _doc.Add((line.StartsWith(" ", StringComparison.Ordinal) ? line.Substring(1) : line).TrimEnd());
        }

        _position = end;
    }

    private void SkipBlockComment()
    {
        var end = _text.IndexOf("*/", _position + 2, StringComparison.Ordinal);
        if (end < 0)
        {
            diagnostics.Report(DiagnosticIds.UnterminatedComment, new(_position, 2), "the comment that starts here has no '*/'");
            _position = _text.Length;
            return;
        }

        _firstOnLine |= _text.IndexOf('\n', _position, end - _position) >= 0;
        _position = end + 2;
    }

    private int SkipWord()
    {
        var end = _position;
        while (end < _text.Length && IsWordPart(_text[end]))
        {
            end++;
        }

        return end;
    }

    private int SkipDigits(int from)
    {
        while (from < _text.Length && (IsDigit(_text[from]) || (_text[from] == '_' && from + 1 < _text.Length && IsWordPart(_text[from + 1]))))
        {
            from++;
        }

        return from;
    }

    private void ScanNumber()
    {
        var start = _position;
        var end = SkipDigits(start);
        if (end + 1 < _text.Length && _text[end] == '.' && IsDigit(_text[end + 1]))
        {
            end = SkipDigits(end + 1);
        }

        if (end < _text.Length && _text[end] is 'e' or 'E')
        {
            var exponent = end + 1 < _text.Length && _text[end + 1] is '+' or '-' ? end + 2 : end + 1;
            if (exponent < _text.Length && IsDigit(_text[exponent]))
            {
                end = SkipDigits(exponent);
            }
        }

        if (end < _text.Length && IsWordPart(_text[end]))
        {
            _position = end;
            Add(TokenKind.DigitWord, start, SkipWord());
            return;
        }

        var written = _text.Substring(start, end - start);
        var fits = double.TryParse(written.Replace("_", ""), NumberStyles.Float, CultureInfo.InvariantCulture, out var value)
            && !double.IsInfinity(value);
        var isInteger = written.All(c => IsDigit(c) || c == '_');
        if (!fits || (isInteger && value > LargestExactInteger))
        {
            var limit = isInteger ? "9007199254740992" : "1.7976931348623157e308";
            diagnostics.Report(DiagnosticIds.NumberOutOfRange, new(start, end - start), $"the number is larger than {limit}");
            value = 1;
        }

        Add(TokenKind.Number, start, end, value, written);
    }

    private void ScanString()
    {
        var value = new StringBuilder();
        var end = _position + 1;
        while (end < _text.Length && _text[end] != '"' && !IsLineEnd(_text[end]))
        {
            if (_text[end] == '\\' && end + 1 < _text.Length && !IsLineEnd(_text[end + 1]))
            {
                value.Append(Escaped(end));
                end += 2;
            }
            else
            {
                value.Append(_text[end++]);
            }
        }

        if (end < _text.Length && _text[end] == '"')
        {
            Add(TokenKind.String, _position, end + 1, text: value.ToString());
            return;
        }

        // What the string was to be is not known. A ';' at the end of the line most likely ends the statement.
        var last = _text.Substring(_position, end - _position).TrimEnd();
        end = _position + (last.Length > 1 && last[last.Length - 1] == ';' ? last.Length - 1 : last.Length);
        diagnostics.Report(DiagnosticIds.UnterminatedString, new(_position, end - _position), "the string has no '\"' at its end");
        Add(TokenKind.Unknown, _position, end);
    }

    private char Escaped(int backslash)
    {
        switch (_text[backslash + 1])
        {
            case 'n':
                return '\n';
            case 't':
                return '\t';
            case var c and ('"' or '\\'):
                return c;
            case var c:
                diagnostics.Report(
                    DiagnosticIds.UnknownEscape,
                    new(backslash, 2),
                    $"'\\{Printable(c.ToString())}' is no escape; there are \\\", \\\\, \\n and \\t");
                return c;
        }
    }

    private void ScanUnknown()
    {
        var start = _position;
        var end = start;
        while (end < _text.Length && !char.IsWhiteSpace(_text[end]) && !IsWordPart(_text[end]) && _text[end] != '"'
            && Symbol(_text[end], '\0').Kind == TokenKind.Unknown)
        {
            end++;
        }

        var found = Printable(_text.Substring(start, end - start));
        diagnostics.Report(DiagnosticIds.UnexpectedCharacter, new(start, end - start), $"'{found}' has no meaning here");
        Add(TokenKind.Unknown, start, end);
    }

    /// <summary>The text with control characters and lone surrogates as U+XXXX, cut where it is long.</summary>
    internal static string Printable(string text)
    {
        var result = new StringBuilder();
        for (var i = 0; i < text.Length; i++)
        {
            if (result.Length >= 40)
            {
                return result.Append("...").ToString();
            }

            if (char.IsSurrogatePair(text, i))
            {
                result.Append(text, i++, 2);
            }
            else if (char.IsControl(text[i]) || char.IsSurrogate(text[i]) || text[i] == '\uFEFF')
            {
                result.Append("U+").Append(((int)text[i]).ToString("X4", CultureInfo.InvariantCulture));
            }
            else
            {
                result.Append(text[i]);
            }
        }

        return result.ToString();
    }
}
