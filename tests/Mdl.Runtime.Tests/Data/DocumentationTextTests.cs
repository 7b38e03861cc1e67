using System.Text;
using Mdl.Runtime.Data;

namespace Mdl.Runtime.Tests.Data;

public sealed class DocumentationTextTests
{
    [Fact]
    public void Turns_members_into_paragraphs()
    {
        var xml = """
            <?xml version="1.0"?><doc><assembly><name>A</name></assembly><members>
                <member name="M:N.C.Read(System.Int32)">
                  <summary>Reads   a <see cref="T:System.Collections.Generic.List`1" />
                    of <paramref name="count"/> bytes; see <see cref="M:System.IO.Stream.Read(System.Byte[],System.Int32)" />.</summary>
                  <param name="count">How many: 1 &lt;= n &amp;&amp; n &gt; 0, &#228;&#x20AC;.</param>
                  <returns><see langword="true" /> or <c>false</c>.</returns>
                  <exception cref="T:System.IO.IOException">It <em>fails</em>.</exception>
                  <remarks><para>One.</para><para>Two &unknown; & three.</para><!-- <b>hidden</b> --></remarks>
                </member>
                <member name="M:N.C.#ctor"><summary>Makes a <see cref="M:N.C.#ctor"/>.</summary></member>
                <member name="F:N.C.Empty" />
            </members></doc>
            """;
        var expected = """
            Reads a List of count bytes; see Read.
            count: How many: 1 <= n && n > 0, ä€.
            Returns: true or false.
            IOException: It fails.
            One.
            Two & three.

            Makes a C.


            """;
        Assert.Equal(expected, Encoding.UTF8.GetString(DocumentationText.Of(Encoding.UTF8.GetBytes(xml)).Span));
    }

    [Fact]
    public void Any_prefix_of_a_file_is_survived()
    {
        var xml = Encoding.UTF8.GetBytes("""<member name="x"><summary>a&lt;<see cref="M:A.B(C)"/><!-- c --></summary><param name="p">q</param></member>""");
        for (var length = 0; length <= xml.Length; length++)
        {
            Assert.InRange(DocumentationText.Of(xml.AsSpan(0, length)).Length, 0, length + 1);
        }
    }

    [Fact]
    public void Repeated_paragraphs_are_dropped_across_documents()
    {
        var seen = new HashSet<ulong>();
        Assert.Equal("one\n\ntwo\nlines\n\n", Filter("one\n\ntwo\nlines\n\none\n\n"));
        Assert.Equal("three\n\n", Filter("two\nlines\n\nthree\n\n"));

        string Filter(string text) => Encoding.UTF8.GetString(MemberFilter.WithoutRepetitions(Encoding.UTF8.GetBytes(text), seen).Span);
    }
}
