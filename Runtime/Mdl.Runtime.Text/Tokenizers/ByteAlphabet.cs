using System.Text;

namespace Mdl.Runtime.Text.Tokenizers;

/// <summary>
/// The characters that stand for bytes in byte-level vocabularies: printable Latin-1 characters for themselves, all other bytes, in their order, for
/// U+0100 and on (Radford et al., "Language Models are Unsupervised Multitask Learners", 2019, released code).
/// </summary>
internal static class ByteAlphabet
{
    private const int Characters = 0x144;
    private static readonly char[] OfByte = Build();
    private static readonly short[] OfCharacter = Invert();

    public static char Character(byte value) => OfByte[value];

    /// <summary>The bytes a token stands for. One with characters outside the alphabet stands for its own characters, as in Hugging Face's decoder.</summary>
    public static byte[] Bytes(string token)
    {
        var bytes = new byte[token.Length];
        for (var i = 0; i < token.Length; i++)
        {
            var value = token[i] < Characters ? OfCharacter[token[i]] : (short)-1;
            if (value < 0)
            {
                return Encoding.UTF8.GetBytes(token);
            }

            bytes[i] = (byte)value;
        }

        return bytes;
    }

    private static char[] Build()
    {
        var characters = new char[256];
        var next = (char)0x100;
        for (var value = 0; value < 256; value++)
        {
            characters[value] = value is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or (>= 0xAE and <= 0xFF) ? (char)value : next++;
        }

        return characters;
    }

    private static short[] Invert()
    {
        var bytes = new short[Characters];
        Array.Fill(bytes, (short)-1);
        for (var value = 0; value < 256; value++)
        {
            bytes[OfByte[value]] = (short)value;
        }

        return bytes;
    }
}
